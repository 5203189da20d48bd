namespace MailFlow.Chaos.Esp;

/// <summary>A mail as it is handed to the stub.</summary>
/// <param name="Key">The send key.</param>
/// <param name="To">Whom to.</param>
/// <param name="Subject">Its subject.</param>
/// <param name="Attempt">Which attempt of MailFlow's it is, where the caller says.</param>
public sealed record StubMail(Guid Key, string To, string Subject, int Attempt);

/// <summary>A line of the stub's log: a mail that it took, and that its recipient therefore got.</summary>
/// <param name="At">When, Unix milliseconds by the stub's clock.</param>
/// <param name="Mail">Which.</param>
/// <param name="IsAgain">Of an idempotent stub: the key was known, and the recipient got nothing more.</param>
public sealed record TakenLine(long At, StubMail Mail, bool IsAgain);

/// <summary>What the stub reports of a mail.</summary>
/// <param name="Id">What makes it this report and no other.</param>
/// <param name="Kind">As MailFlow calls it.</param>
/// <param name="At">Unix milliseconds.</param>
/// <param name="Key">The send key.</param>
/// <param name="To">Whom the mail went to.</param>
/// <param name="ProviderId">The stub's own name for it, as it was given in the answer.</param>
public sealed record StubReport(string Id, string Kind, long At, Guid Key, string To, string ProviderId);

/// <summary>How the stub behaves from now on; each a share of the calls from 0 to 1.</summary>
/// <param name="Resets">The connection is reset after the request's body; the mail was taken in half of the cases.</param>
/// <param name="Stalls">No answer for 30 seconds; the mail was taken in half of the cases.</param>
/// <param name="Refusals">429.</param>
public sealed record StubTroubles(double Resets = 0, double Stalls = 0, double Refusals = 0);

/// <summary>Where the stub sends its reports.</summary>
/// <param name="Addresses">Of the webhook, on each node that answers HTTP; one at random is called.</param>
/// <param name="SigningKey">What they are signed with, where it is not SendGrid's way.</param>
public sealed record StubReportsTo(IReadOnlyList<string> Addresses, string? SigningKey);

/// <summary>How things stand with the stub.</summary>
/// <param name="Taken">Mails that it took.</param>
/// <param name="ReportsOpen">Reports that nobody has taken yet.</param>
/// <param name="ReportsSent">Reports that were taken, repetitions included.</param>
public sealed record StubState(long Taken, long ReportsOpen, long ReportsSent);
