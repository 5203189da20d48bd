using System.Text.RegularExpressions;
using MailFlow.Delivery.Providers.Smtp;

namespace MailFlow.Delivery;

/// <summary>What a server's refusal is about, and what of the sender's it stops where it is the sender's fault.</summary>
/// <param name="Kind">Whose fault.</param>
/// <param name="Stops">Of a sender's fault: its connection (address, TLS, credentials) or its domain (authentication).</param>
/// <param name="IsExact">Of a sender's fault: a code says so that means nothing else.</param>
/// <param name="Passes">Of a sender's fault: it ends by itself, as too high a rate does.</param>
internal sealed record BounceCause(BounceKind Kind, FaultScope? Stops = null, bool IsExact = false, bool Passes = false)
{
    /// <summary>What a report of it says of other mail; null where that is nothing.</summary>
    public ReportedFault? Fault => Kind == BounceKind.SenderFault && !Passes && Stops is { } stops ? new(stops, IsExact) : null;
}

/// <summary>
/// Tells from a mail server's words whose fault a refusal is. One table for what relays say to us, what providers report and what delivery reports quote.
/// </summary>
/// <remarks>
/// Sources: RFC 3463 and the IANA registry of enhanced status codes (RFC 5248, with RFC 7372 for authentication, RFC 7505 for null MX, RFC 7293 for changed owners); Google's list of
/// SMTP errors and its sender guidelines; Microsoft's list of non-delivery reports in Exchange Online and its announcement of 5.7.515; Yahoo's sender hub. A text decides only where the
/// code says little: receivers' wordings change, codes hardly do.
/// </remarks>
internal static partial class BounceClassifier
{
    /// <summary>How many characters of a server's words are read.</summary>
    private const int MostRead = 2_000;

    private static readonly BounceCause
        Hard = new(BounceKind.Hard), Recipient = new(BounceKind.RecipientSoft), Message = new(BounceKind.MessageSoft),
        Domain = new(BounceKind.SenderFault, FaultScope.Domain), ExactDomain = Domain with { IsExact = true },
        Connection = new(BounceKind.SenderFault, FaultScope.Connection), ExactConnection = Connection with { IsExact = true }, TooMuch = Connection with { Passes = true };

    /// <summary>Ours where our own relay says it to us. What a report quotes was said to the relay by a server that does not serve the recipient, or not for everybody.</summary>
    private static readonly BounceCause SignIn = new(BounceKind.SenderFault, FaultScope.Connection);

    /// <summary>By the last two numbers of the status; the first, 4 or 5, says only how long it lasts. A code that is not here is judged by its subject (<see cref="Subjects"/>).</summary>
    private static readonly Dictionary<(int Subject, int Detail), BounceCause> Codes = Table(
        // RFC 3463 §3.2: addresses. X.1.7 and X.1.8 are about the sender's address; X.1.10 is a null MX (RFC 7505) and Exchange's RecipientNotFound.
        (Hard, [(1, 1), (1, 2), (1, 3), (1, 6), (1, 10)]),
        (Domain, [(1, 7), (1, 8)]),
        (Message, [(1, 9)]),
        // §3.3: the mailbox. X.2.1 is decided below: 5 is disabled for good, 4 for now. Microsoft: 5.2.252 and 5.7.60 are a sender that this account may not send as.
        (Domain, [(2, 252), (7, 60)]),
        (Recipient, [(2, 2)]),
        (Message, [(2, 3)]),
        (Recipient, [(2, 4)]),
        // §3.4: the destination's system; X.3.4 is "message too big for system".
        (Message, [(3, 4)]),
        // §3.8: policy. 5.7.13 is a disabled account, 5.7.17 a mailbox that has changed hands (RFC 7293).
        (Hard, [(7, 13), (7, 17)]),
        // Exchange: a group or a mailbox that takes no mail from strangers, or not from this one.
        (Recipient, [(7, 703), (7, 124), (7, 133), (7, 134), (7, 135), (7, 136)]),
        // RFC 7372: no valid or acceptable DKIM signature, SPF failed, no reverse DNS, several at once. RFC 7505: X.7.27 is a sender's domain with a null MX.
        (Domain, [(7, 20), (7, 21), (7, 22), (7, 23), (7, 24)]),
        (ExactConnection, [(7, 25)]),
        (ExactDomain, [(7, 26), (7, 27)]),
        // Google: X.7.26 unauthenticated, X.7.27 SPF, X.7.28 too much from an address or domain, X.7.29 no TLS, X.7.30 DKIM, X.7.32 From not aligned.
        (TooMuch, [(7, 28)]),
        (ExactConnection, [(7, 29)]),
        (ExactDomain, [(7, 30), (7, 32)]),
        // Microsoft: 5.7.515 a bulk sender without SPF, DKIM or DMARC, which one widely read page prints as 5.7.15; 5.7.509 DMARC says reject; 5.7.511 and 5.7.513 a banned sender;
        // 5.7.708 and 5.7.750 an address or domain that may not send; X.7.650 an address that is slowed down.
        (ExactDomain, [(7, 515), (7, 509)]),
        (Domain, [(7, 15)]),
        (Connection, [(7, 501), (7, 502), (7, 511), (7, 513), (7, 705), (7, 708)]),
        (ExactDomain, [(7, 750)]),
        (TooMuch, [(7, 650)]),
        // Yahoo: 5.7.9 is mail that fails the policy of its domain (DMARC).
        (Domain, [(7, 9)]),
        // RFC 4954: X.7.8 credentials refused.
        (SignIn, [(7, 8)]));

    /// <summary>By the middle number, when the whole is unknown.</summary>
    private static readonly Dictionary<int, BounceCause> Subjects = new()
    {
        [2] = Recipient, // mailbox
        [3] = Recipient, // the destination's system
        [4] = Recipient, // network and routing: no answer, expired in the queue
        [5] = Message, // protocol
        [6] = Message, // content or media
        [7] = Message, // policy: this message was not wanted
    };

    /// <summary>Texts that outweigh a code: the same 5.7.1 stands for an opinion of the content and for a blocklist.</summary>
    private static readonly (Regex Text, BounceCause Means)[] Telling =
    [
        (RecipientsOwn(), Recipient),
        (NoServer(), Recipient),
        (Relay(), SignIn),
        (Closed(), Recipient),
        (Greeting(), Connection),
        (Authentication(), Domain),
        (Link(), Message),
        (Blocklist(), Connection),
        (SendersDomain(), Domain),
        (Rate(), TooMuch),
        (Greylist(), Message),
        (Refused(), Message),
    ];

    /// <summary>Texts that stand in for a code that is missing or says nothing (X.0.0, X.1.0).</summary>
    private static readonly (Regex Text, BounceCause Means)[] Plain =
    [
        (Full(), Recipient),
        (Unknown(), Hard),
        (MailboxUnavailable(), Hard),
        (Size(), Message),
        (Content(), Message),
        (Unreachable(), Recipient),
    ];

    /// <summary>The cause of a bounce that was reported: what a server said to somebody else, about one mail to one recipient.</summary>
    /// <param name="status">An enhanced status such as <c>5.1.1</c>, or a reply code, where one was reported.</param>
    /// <param name="text">The server's words; a status in them is preferred to a report's <c>5.0.0</c>.</param>
    /// <param name="otherwise">What it is when neither says.</param>
    public static BounceCause Reported(string? status, string? text, BounceCause otherwise) =>
        Find(status, text) is not { } cause ? otherwise : ReferenceEquals(cause, SignIn) ? Recipient : cause;

    /// <inheritdoc cref="Reported(string?, string?, BounceCause)"/>
    public static BounceCause Reported(string? status, string? text, BounceKind otherwise) => Reported(status, text, new BounceCause(otherwise));

    /// <summary>What is known of a refusal that our own relay gave to us; null when nothing is. What it says of an account or an identity is about ours.</summary>
    /// <param name="status">An enhanced status, or the reply code.</param>
    /// <param name="text">Its words.</param>
    /// <param name="stage">What it refused.</param>
    public static BounceCause? Own(string? status, string? text, SmtpStage stage)
    {
        var found = Find(status, text);
        if (found is { Passes: true }) return found;
        var words = Cut(text) ?? "";
        // It has asked the recipient's server, and quotes what that said to it.
        if (stage == SmtpStage.Recipient && Asked().IsMatch(words)) return found is { Stops: not null } ? Recipient : found;
        var isRecipients = found is { Kind: BounceKind.Hard or BounceKind.RecipientSoft } && IsCode(status, text, found);
        if (stage != SmtpStage.MailFrom && isRecipients) return found;
        if (stage == SmtpStage.Recipient && Closed().IsMatch(words)) return Recipient;
        if (OwnAccount().IsMatch(words) || (stage != SmtpStage.Recipient && AnyAccount().IsMatch(words))) return Connection;
        return stage switch
        {
            // A relay that looks a domain up means the recipient's here, and the sender's before.
            SmtpStage.Recipient => NoDns().IsMatch(words) ? Recipient : found,
            // Nothing of the mail but the sender's address and the size is known then.
            SmtpStage.MailFrom => found is { Stops: not null } || Size().IsMatch(words) || Status().Match(status ?? "").Value is "5.3.4" ? found : Domain,
            // Of the content, or of us: recipients were taken.
            _ => found is { Kind: BounceKind.Hard or BounceKind.RecipientSoft } ? Message : found,
        };
    }

    /// <summary>Whether the code alone says so.</summary>
    private static bool IsCode(string? status, string? text, BounceCause cause) => Find(Status().Match(status ?? "") is { Success: true } ? status : Status().Match(text ?? "").Value, null) == cause;

    /// <summary>What is known of a refusal; null when nothing is.</summary>
    public static BounceCause? Find(string? status, string? text)
    {
        // A report may hold megabytes, and anybody may send one; a server says what there is to say at once.
        (status, text) = (Cut(status), Cut(text) ?? "");
        var reported = Status().Match(status ?? "");
        var said = Status().Match(text);
        // A report's status may be made of the reply code alone; what the server says behind that code is its own.
        if (AfterReply().Match(text) is { Success: true } own && !IsVague(own)) reported = own;
        var code = reported.Success && (!IsVague(reported) || !said.Success) ? reported : said;
        var (kind, subject, detail) = code.Success ? (code.Value[0], Number(code, 2), Number(code, 3)) : (Reply(status) ?? Reply(text) ?? ' ', 0, 0);

        if (code.Success && Exact(kind, subject, detail, text) is { } exact) return exact;
        if (subject is not (4 or 6))
            foreach (var (pattern, means) in Telling)
                if (pattern.IsMatch(text)) return means;
        if (subject is 0 or 1 || (subject, detail) is (7, 1) or (4, 1) or (2, 0) or (5, 0) or (3, 0))
            foreach (var (pattern, means) in Plain)
                if (pattern.IsMatch(text)) return ReferenceEquals(means, Hard) && kind == '4' ? Recipient : means; // put off until time was up, it never became certain
        if (Subjects.GetValueOrDefault(subject) is { } general) return general;
        // A bare reply code: 552 is a full mailbox (RFC 5321 §4.2.3), and any 4yz that ended a delivery had the receiver putting it off until time was up.
        return text.Contains("552", StringComparison.Ordinal) && Code().Match(text).Value == "552" ? Recipient : kind == '4' ? Recipient : null;
    }

    private static BounceCause? Exact(char kind, int subject, int detail, string text) => (subject, detail) switch
    {
        // What was put off until time was up says that nobody could look: Postfix gives 4.1.1 while it cannot verify an address.
        (1, 1 or 2 or 3 or 6 or 10) when kind == '4' => Recipient,
        // Servers that make the status of the reply code give 5.1.1 and 5.1.3 for whatever they refuse at RCPT: Orange for a full mailbox, GoDaddy for a rate, Sendmail for a blocklist.
        (1, 1 or 3) when OverQuota().IsMatch(text) => Recipient,
        (1, 1 or 3) when Rate().IsMatch(text) => TooMuch,
        (1, 1 or 3) when Blocklist().IsMatch(text) => Connection,
        // Of the recipient's domain, not the sender's.
        (7, 27) when text.Contains("accept mail", StringComparison.OrdinalIgnoreCase) => Recipient,
        (2, 1) when kind == '5' && Blocklist().IsMatch(text) && !RecipientsOwn().IsMatch(text) => Connection,
        // Google says 5.2.1 for a disabled account, and for a busy one: "receiving mail at a rate that prevents additional messages from being delivered", "too quickly".
        (2, 1) => kind == '5' && !text.Contains("receiving mail", StringComparison.OrdinalIgnoreCase) ? Hard : Recipient,
        // Outlook.com's usual word for an address that is not there: 550 5.5.0 "Requested action not taken: mailbox unavailable (S2017062302)".
        (5, 0) when kind == '5' && MailboxUnavailable().IsMatch(text) => Hard,
        // Exchange Online says 5.4.1 "Recipient address rejected: Access denied" for a recipient that is not in its directory.
        (4, 1) when kind == '5' && text.Contains("access denied", StringComparison.OrdinalIgnoreCase) => Hard,
        // Postfix gives 5.4.4 for a domain without address or MX, Amazon SES for one that is none, Exchange Online 5.4.310.
        (4, 4 or 310) when kind == '5' && NoDomain().IsMatch(text) => Hard,
        (4, 6) when text.Contains("unusual sending", StringComparison.OrdinalIgnoreCase) => TooMuch,
        // RFC 3463 has X.4.5, congestion, as a 4 alone; Google says 5.4.5 when the sender's own quota is used up.
        (4, 5) when kind == '5' => TooMuch,
        // Microsoft: 5.7.606 to 5.7.649 is an address on its blocklist.
        (7, >= 606 and <= 649) => Connection,
        _ => Codes.GetValueOrDefault((subject, detail)),
    };

    private static string? Cut(string? words) => words is { Length: > MostRead } ? words[..MostRead] : words;

    private static Dictionary<(int, int), BounceCause> Table(params (BounceCause Means, (int, int)[] Codes)[] rows) =>
        rows.SelectMany(row => row.Codes.Select(code => (code, row.Means))).ToDictionary();

    private static bool IsVague(Match status) => (Number(status, 2), Number(status, 3)) is (0, _) or (1, 0);

    private static int Number(Match status, int group) => int.Parse(status.Groups[group].ValueSpan);

    private static char? Reply(string? text) => Code().Match(text ?? "") is { Success: true } code ? code.Value[0] : null;

    // Not part of an address or a version: 5.1.1, (5.1.1), #5.1.1, 550-5.1.1.
    [GeneratedRegex(@"(?<![\d.])([245])\.([0-9]{1,3})\.([0-9]{1,3})(?![\d]|\.\d)")]
    private static partial Regex Status();

    [GeneratedRegex(@"(?<=(?<!\d)[45]\d\d[ -]#?\(?)([45])\.([0-9]{1,3})\.([0-9]{1,3})(?![\d]|\.\d)")]
    private static partial Regex AfterReply();

    [GeneratedRegex(@"(?<!\d)[45]\d\d(?!\d|\.\d)")]
    private static partial Regex Code();

    // What a person or a group has chosen for itself, and an account that is closed: nothing of it holds for any other mail.
    [GeneratedRegex(@"(user|recipient|mailbox|account|customer|alias)( \w+)? (is |was |has been |temporarily |currently )*(blocked|closed|locked|suspended|restricted)|personal (filter|block|black|settings|preference)|(user|recipient)'?s? (personal |own |local )?(filter|block-?list|black-?list|policy|preference|settings|rules)|(blocked|rejected|refused) by (the )?(user|recipient)|(user|recipient) (has )?(blocked|rejected|refused)", RegexOptions.IgnoreCase)]
    private static partial Regex RecipientsOwn();

    // SendGrid of a domain that has no mail server, or none now: "unable to get mx info: failed to get IPs from PTR record: lookup <nil>: unrecognized address".
    [GeneratedRegex(@"unable to get mx|failed to get IPs", RegexOptions.IgnoreCase)]
    private static partial Regex NoServer();

    // Our relay's name, or that of its address, is what the receiver does not like.
    [GeneratedRegex(@"\b(helo|ehlo)\b.{0,80}(reject|invalid|fail|mismatch|not (found|resolve|allowed|match)|does ?n[o']t|unresolv|blocked|need )|client host rejected|cannot find your (reverse )?hostname|reverse lookup\b.{0,60}(fail|not found|missing)", RegexOptions.IgnoreCase)]
    private static partial Regex Greeting();

    [GeneratedRegex(@"recipient address rejected: un(deliverable|verified) address|callout verification failed", RegexOptions.IgnoreCase)]
    private static partial Regex Asked();

    [GeneratedRegex(@"not found|invalid domain|does not exist", RegexOptions.IgnoreCase)]
    private static partial Regex NoDomain();

    // A group that takes mail of its members only.
    [GeneratedRegex(@"(not (allowed|authori[sz]ed|permitted)|permissions?|restricted|only)\b.{0,60}\b(this|the|that|to) (distribution |mailing )?(list|group|recipient|user|mailbox)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Closed();

    [GeneratedRegex(@"over.?quota|quota (is |has been )?exceeded|(mailbox|inbox) (is )?full|bo[iî]te .{0,30}pleine", RegexOptions.IgnoreCase)]
    private static partial Regex OverQuota();

    // GMX and web.de say "invalid DNS MX or A/AAAA resource record" of the sender's domain.
    [GeneratedRegex(@"DNS MX or A|\b(sender|from|reply.?to)('s)?( header)? (domain|host|e-?mail|address|mailbox)\b.{0,60}(reject|invalid|not (found|exist|resolve|allowed|valid)|does ?n[o']t (exist|resolve)|unknown|unresolv|no (valid )?(MX|A) )|\binvalid sender\b|\bsender (is )?(invalid|not (allowed|valid))|\byour (domain|host)\b.{0,60}(not (found|exist|resolve)|does ?n[o']t|unresolv)|(\bMAIL FROM\s*[:<]|return.?path|reverse.?path|envelope.?(from|sender)).{0,60}(reject|invalid|not (found|exist|resolve|allowed|valid)|does ?n[o']t|unknown|unresolv)", RegexOptions.IgnoreCase)]
    private static partial Regex SendersDomain();

    [GeneratedRegex("DNS MX or A", RegexOptions.IgnoreCase)]
    private static partial Regex NoDns();

    // What a mail links to is listed, and not who sends it.
    [GeneratedRegex(@"\bcontain(s|ed|ing)?\b.{0,60}\b(URLs?|URIs?|links?|domain)\b|\b(message|mail|content|body)\b.{0,40}\b(URLs?|URIs?|links?)\b.{0,60}(black|block|listed)|\b(URLs?|URIs?|links?) (in|within) (the|your|this)\b|\b(SURBL|URIBL|DBL)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Link();

    // Said by a relay to whoever signed in: Amazon SES, SendGrid, Google, Microsoft 365 and hosters, of identities and accounts.
    [GeneratedRegex(@"(?<!recipient )\b(address|identit(y|ies)|domain|sender)\b.{0,80}\b(is|are|was|has|have)? ?not (been )?verified|verified sender|failed the check in region|not authori[sz]ed to (perform|send)|SendAsDenied|permissions? to send|sending (is |has been |was )?(paused|suspended|disabled)|\b(your|the sending) account\b.{0,40}(suspend|disabled|paused|blocked|locked|closed)|credentials for relay|you are not (allowed|permitted) to send|not allowed to send(:| from| mail| as)|OutboundSpamException|unconfigured sending domain", RegexOptions.IgnoreCase)]
    private static partial Regex OwnAccount();

    [GeneratedRegex(@"\b(account|user|sender)\b.{0,40}\b(suspended|disabled|paused|blocked|locked)\b", RegexOptions.IgnoreCase)]
    private static partial Regex AnyAccount();

    [GeneratedRegex(@"(relay(ing)?|mail sending)( to \S+)? (access )?(denied|disallowed|not permitted|not allowed|prohibited)|unable to relay|(permitted|configured|allowed) to relay|do(es)? not relay|allowed rcpthosts|authentication (is )?required|server requires authentication|must issue a STARTTLS", RegexOptions.IgnoreCase)]
    private static partial Regex Relay();

    [GeneratedRegex(@"\b(DMARC|DKIM|SPF)\b|unauthenticated|not authenticated|authentication (checks?|results?) (fail|did not)|sender (address )?rejected|sender verify failed|sender address \[|mail.?from domain is listed", RegexOptions.IgnoreCase)]
    private static partial Regex Authentication();

    [GeneratedRegex(@"spamhaus|barracudacentral|spamcop|sorbs|\b(D?RBL|DNSBLs?)\b|ipcheck\.proofpoint|IP[=:] ?[\d.:a-f]+ - A problem occurred|host network not allowed|\bSC-00\d\b|black[ -]?list|block-?list|block list|blocked using|banned sending IP|\b(IP|IP address|network|host)\b.{0,60}\b(?<!not )(blocked|listed|reputation)|poor reputation|low reputation|reverse DNS|\bPTR\b|\[S3150\]|\[TSS0[79]\]", RegexOptions.IgnoreCase)]
    private static partial Regex Blocklist();

    [GeneratedRegex(@"unusual rate|rate.?limit|frequency limited|submission.?quota|\bRP-00\d\b|max(imum)?( \w+)? (e-?mails|messages|recipients)( \w+)? per (minute|hour|day)|(sending|send|message) rate exceeded|maximum sending rate|too many (invalid )?(connections|e-?mails|messages|recipients|concurrent)|unexpected volume|user complaints|\[TSS0[1-6]\]|throttl|sending too (fast|much|many)|\b(sending|relay|outgoing|outbound) (limit|quota)\b|\b(daily|hourly|monthly)\b(?!.{0,40}(receiv|mailbox|inbox)).{0,40}\b(limit|quota)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Rate();

    // Orange's words for mail that it does not like: "Mail rejete. Mail rejected. OFR_506".
    [GeneratedRegex(@"\bOFR_50\d|\bmail rejet[eé]|administrative prohibition|blocked senders|\(\S+:blocked\)", RegexOptions.IgnoreCase)]
    private static partial Regex Refused();

    [GeneratedRegex(@"gr[ae]y.?list", RegexOptions.IgnoreCase)]
    private static partial Regex Greylist();

    [GeneratedRegex(@"(mailbox|quota|storage|inbox|maildir).{0,40}(full|exceeded|over|insufficient|not enough)|over.?quota|quota exceeded|(full|insufficient|out of) (mailbox|storage|system storage|disk)", RegexOptions.IgnoreCase)]
    private static partial Regex Full();

    [GeneratedRegex(@"(user|recipient|mailbox|address|account|alias|person).{0,60}(unknown|not found|does ?n[o']t exist|doesn't exist|no longer|invalid|disabled|deactivated|terminated|inactive|unavailable for delivery|not listed)|(unknown|no such|invalid|nonexistent|non-existent) (local )?(user|recipient|mailbox|address|account|alias|person|domain)|no mailbox|not a valid (mailbox|recipient)|@\S+ is no longer valid|#5\.1\.0 address rejected|unrouteable address|no such user|(domain|host).{0,40}(not found|does not exist)|does ?n[o']t have an? \S+ account", RegexOptions.IgnoreCase)]
    private static partial Regex Unknown();

    // The standard's words for the reply 550, last in the text: whatever follows says why.
    [GeneratedRegex(@"(requested action not taken: )?mailbox unavailable[\s.]*(\(S\d+\))?[\s.]*(\[[^\]]*\][\s.]*)*(\(in reply to[^)]*\))?((550[ -])?For explanation visit \S+)?\s*$", RegexOptions.IgnoreCase)]
    private static partial Regex MailboxUnavailable();

    [GeneratedRegex(@"(message|mail|size).{0,30}(too (big|large|long)|exceeds)|too (big|large)", RegexOptions.IgnoreCase)]
    private static partial Regex Size();

    [GeneratedRegex(@"spam|content|virus|malware|phish|policy|attachment|unsolicited", RegexOptions.IgnoreCase)]
    private static partial Regex Content();

    [GeneratedRegex(@"timed? ?out|refused|unreachable|no route|expired|temporar|try again|retry|too long in queue|connection (lost|dropped|reset)", RegexOptions.IgnoreCase)]
    private static partial Regex Unreachable();
}
