using MailFlow.Delivery;

namespace MailFlow.Chaos;

/// <summary>What the checker says of a run.</summary>
/// <param name="Events">How many events were sent in.</param>
/// <param name="Planned">How many mails were planned.</param>
/// <param name="Taken">How many mails recipients got, by the stub's log.</param>
/// <param name="Repeated">How many hand-overs an idempotent stub knew already.</param>
/// <param name="Duplicates">How many recipients got a mail more than once, one for each mail too many.</param>
/// <param name="Losses">How many planned mails recipients did not get.</param>
/// <param name="Unconfirmed">How many mails MailFlow lists as lost or sent.</param>
/// <param name="Findings">What is wrong; none where MailFlow kept its promises.</param>
public sealed record Verdict(int Events, int Planned, int Taken, int Repeated, int Duplicates, int Losses, int Unconfirmed, IReadOnlyList<string> Findings)
{
    /// <summary>Whether every promise was kept.</summary>
    public bool IsGood => Findings.Count == 0;

    /// <inheritdoc/>
    public override string ToString() =>
        $"events {Events}, mails planned {Planned}, taken {Taken}, duplicates {Duplicates}, losses {Losses}, unconfirmed {Unconfirmed}, replays known to the provider {Repeated}";
}

/// <summary>Compares what was sent in, what MailFlow wrote down, and what the stub took. It knows nothing of how MailFlow works, and believes only the stub about mails.</summary>
public static class Checker
{
    /// <summary>The mails of each contact, in order: key and subject of their templates.</summary>
    public static IReadOnlyList<(string Template, string Subject)> Mails { get; } = [("one", "Mail one"), ("two", "Mail two"), ("three", "Mail three")];

    /// <summary>Judges a run that has come to rest.</summary>
    /// <param name="evidence">What is left of it.</param>
    /// <param name="mode">What the stub could do about lost answers.</param>
    /// <param name="wait">How long each wait between two mails was.</param>
    public static Verdict Judge(Evidence evidence, ReplayPolicy mode, TimeSpan wait)
    {
        var findings = new List<string>();
        var keys = evidence.Ledger.ToDictionary(row => row.Key);
        var got = evidence.Log.Where(line => !line.IsAgain).ToList();
        var taken = got.Select(line => line.Mail.Key).ToHashSet();

        // Events: none lost, none handled twice, and everyone is somewhere.
        Each(evidence.Users.Where(user => !evidence.Instances.ContainsKey(user)), user => $"lost event: {user} was sent in and has no instance");
        Each(evidence.Instances.Where(each => each.Value > 1), each => $"event handled twice: {each.Key} has {each.Value} instances");
        Each(evidence.Instances.Keys.Except(evidence.Users), user => $"an instance of {user}, whom nobody sent in");
        Each(evidence.LaidAside, words => $"laid aside: {words}");
        Each(evidence.Conflicts, words => $"two workers in one shard: {words}");
        var numbers = evidence.Numbers;
        if (numbers.Entered != numbers.Waiting + numbers.Completed + numbers.Exited + numbers.Faulted) findings.Add($"the journey's numbers do not add up: {numbers}");
        if (numbers.Entered != evidence.Instances.Values.Sum()) findings.Add($"the journey counts {numbers.Entered} entered, and there are {evidence.Instances.Values.Sum()} instances");
        if (numbers.Completed != evidence.SentAt.Count) findings.Add($"{evidence.SentAt.Count} were sent in and {numbers.Completed} came to the end: {numbers}");
        if (evidence.Inbox > 0) findings.Add($"{evidence.Inbox} stimuli still wait in the inbox");

        // Plans: each mail of each contact once, in order, and none before its wait is over.
        foreach (var user in evidence.Ledger.GroupBy(row => row.User))
        {
            var rows = Mails.Select(mail => user.Where(row => row.Template == mail.Template).ToList()).ToList();
            for (var i = 0; i < rows.Count; i++)
            {
                if (rows[i].Count != 1) findings.Add($"planned {rows[i].Count} times: {Mails[i].Subject} to {user.Key}");
                else if (i > 0 && rows[i - 1].Count == 1 && rows[i][0].QueuedAt - rows[i - 1][0].QueuedAt < wait.TotalMilliseconds)
                    findings.Add($"too early: {Mails[i].Subject} to {user.Key} was planned {rows[i][0].QueuedAt - rows[i - 1][0].QueuedAt} ms after the one before it");
            }
        }

        // The same by a clock that nobody steps: who sends contacts in and the stub go by the machine's.
        foreach (var line in got)
            if (keys.TryGetValue(line.Mail.Key, out var row) && evidence.SentAt.TryGetValue(row.User, out var sentAt)
                && Mails.TakeWhile(mail => mail.Template != row.Template).Count() * wait.TotalMilliseconds > line.At - sentAt)
                findings.Add($"too early: {line.Mail.Subject} to {row.User} came {line.At - sentAt} ms after the contact was sent in");

        // Mails: what the ledger says of each is what happened to it.
        Each(evidence.Ledger.Where(row => !row.State.IsEnd()), row => $"no end: {Name(row)} is {row.State}: {row.Reason}");
        Each(evidence.Ledger.Where(row => row.State == MessageState.Accepted && !taken.Contains(row.Key)), row => $"lost mail: {Name(row)} is called accepted, and the provider has not got it");
        Each(evidence.Ledger.Where(row => row.State != MessageState.Accepted && row.State.IsEnd() && taken.Contains(row.Key) && !MayBe(row)), row => $"sent, yet called {row.State}: {Name(row)}: {row.Reason}");
        Each(evidence.Ledger.Where(row => row.State.IsEnd() && row.State != MessageState.Accepted && !taken.Contains(row.Key) && !MayBe(row)), row => $"lost mail: {Name(row)} is {row.State}: {row.Reason}");
        Each(got.Where(line => !keys.ContainsKey(line.Mail.Key)), line => $"nobody planned the mail {line.Mail.Subject} to {line.Mail.To}");
        Each(taken.Where(key => keys.ContainsKey(key) && !evidence.Delivered.Contains(key)), key => $"report lost: {Name(keys[key])} was reported as delivered");

        // By recipient and subject, whatever the keys say.
        var doubled = got.GroupBy(line => (line.Mail.To, line.Mail.Subject)).Where(mails => mails.Count() > 1).ToList();
        Each(doubled, mails => $"duplicate: {mails.Key.Subject} to {mails.Key.To} came {mails.Count()} times (attempts {string.Join(", ", mails.Select(line => line.Mail.Attempt))})");

        return new Verdict(evidence.SentAt.Count, evidence.Ledger.Count, got.Count, evidence.Log.Count - got.Count, doubled.Sum(mails => mails.Count() - 1),
            evidence.Ledger.Count(row => !taken.Contains(row.Key)), evidence.Ledger.Count(row => row.State == MessageState.Unconfirmed), findings);

        void Each<T>(IEnumerable<T> wrong, Func<T, string> words) => findings.AddRange(wrong.Select(words));

        // With a provider that can do neither, a mail may be listed as unconfirmed, sent or not.
        bool MayBe(LedgerRow row) => mode == ReplayPolicy.Neither && row.State == MessageState.Unconfirmed;

        static string Name(LedgerRow row) => $"mail {row.Template} to {row.User} ({row.Key})";
    }
}
