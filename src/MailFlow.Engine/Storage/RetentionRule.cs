namespace MailFlow.Engine.Storage;

/// <summary>
/// How long a kind of data is kept: a module registers one for each kind that it keeps. The statements delete one chunk, in one transaction; they know
/// <c>@before</c> (Unix milliseconds) and <c>@chunk</c> (rows), and the last one's count says whether there is more.
/// </summary>
/// <param name="Name">What is kept: <c>messages</c>.</param>
/// <param name="Kept">How long; null for ever.</param>
/// <param name="Statements">The SQL, for both databases.</param>
public sealed record RetentionRule(string Name, TimeSpan? Kept, params IReadOnlyList<string> Statements)
{
    /// <summary>
    /// The table that is kept by month, on PostgreSQL: a month that is too old is dropped whole. The statements, in which <see cref="MonthlyTable.Part"/> stands for it, delete only what
    /// is in no month.
    /// </summary>
    public MonthlyTable? Monthly { get; init; }
}

/// <summary>How long data is kept: the section <c>MailFlow:Retention</c>. Zero keeps for ever.</summary>
public sealed record RetentionOptions
{
    /// <summary>What journeys decided, and the trips that have ended.</summary>
    public TimeSpan History { get; init; } = TimeSpan.FromDays(400);

    /// <summary>The ledger: mail that has come to an end, with the provider's answers.</summary>
    public TimeSpan Messages { get; init; } = TimeSpan.FromDays(730);

    /// <summary>Mail that the sandbox captured.</summary>
    public TimeSpan CapturedMail { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Calls of providers that could not be read; they can be read again until then.</summary>
    public TimeSpan LaidAsideCalls { get; init; } = TimeSpan.FromDays(30);

    /// <summary>What was told to webhooks and the message bus, with the log of each delivery; it can be replayed until then.</summary>
    public TimeSpan Facts { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Who changed what.</summary>
    public TimeSpan Audit { get; init; } = TimeSpan.FromDays(1095);

    /// <summary>Requests of persons for their data or its erasure, from the day they were done.</summary>
    public TimeSpan PrivacyRequests { get; init; } = TimeSpan.FromDays(1095);

    /// <summary>A duration as a rule has it.</summary>
    public static TimeSpan? Or(TimeSpan kept) => kept > TimeSpan.Zero ? kept : null;
}
