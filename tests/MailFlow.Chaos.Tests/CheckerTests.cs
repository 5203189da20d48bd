using MailFlow.Chaos.Esp;
using MailFlow.Delivery;

namespace MailFlow.Chaos.Tests;

/// <summary>The checker of chaos runs: what is right it lets pass, and each thing that can be wrong it names.</summary>
public sealed class CheckerTests
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(2);

    /// <summary>A thing gone wrong, with a word of what the checker must say of it.</summary>
    public static TheoryData<string, string> Wrongs => new()
    {
        { "an event without an instance", "lost event: ada" },
        { "two instances", "event handled twice: ada has 2" },
        { "numbers that do not add up", "do not add up" },
        { "laid aside", "laid aside: ada" },
        { "a conflict", "two workers in one shard" },
        { "an inbox that is not empty", "3 stimuli still wait" },
        { "a mail that was not planned", "planned 0 times: Mail three to ada" },
        { "a mail that was planned twice", "planned 2 times: Mail one to ada" },
        { "a wait that was too short", "too early: Mail two to ada was planned 1999 ms" },
        { "a mail that came too soon after its contact", "too early: Mail three to ada came 3999 ms after" },
        { "a mail under way", "no end: mail two to ada" },
        { "accepted and not taken", "called accepted, and the provider has not got it" },
        { "taken and not accepted", "sent, yet called Rejected" },
        { "unconfirmed", "lost mail: mail two to ada" },
        { "taken without a plan", "nobody planned the mail" },
        { "the same key twice", "duplicate: Mail two to ada@example.org came 2 times" },
        { "the same mail under another key", "duplicate: Mail two to ada@example.org came 2 times" },
        { "a lost report", "report lost: mail two to ada" },
    };

    [Fact]
    public void A_run_in_which_everyone_got_each_mail_once_is_good() => Assert.Empty(Checker.Judge(Good(), ReplayPolicy.Searchable, Wait).Findings);

    [Fact]
    public void A_key_that_an_idempotent_provider_knew_already_is_no_duplicate()
    {
        var good = Good();
        var verdict = Checker.Judge(good with { Log = [.. good.Log, good.Log[1] with { IsAgain = true }] }, ReplayPolicy.Idempotent, Wait);
        Assert.Empty(verdict.Findings);
        Assert.Equal(1, verdict.Repeated);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void With_a_provider_that_can_do_neither_a_mail_may_be_unconfirmed_whether_it_was_taken_or_not(bool isTaken)
    {
        var good = With(Good(), row => row.Template == "two", row => row with { State = MessageState.Unconfirmed });
        var verdict = Checker.Judge(isTaken ? good : good with { Log = [good.Log[0], good.Log[2]] }, ReplayPolicy.Neither, Wait);
        Assert.Empty(verdict.Findings);
        Assert.Equal((isTaken ? 0 : 1, 1), (verdict.Losses, verdict.Unconfirmed));
    }

    [Theory, MemberData(nameof(Wrongs))]
    public void What_is_wrong_is_named(string wrong, string words)
    {
        var good = Good();
        var (two, line) = (good.Ledger[1], good.Log[1]);
        var evidence = wrong switch
        {
            "an event without an instance" => good with { Instances = new Dictionary<string, int>(), Numbers = new(0, 0, 0, 0, 0) },
            "two instances" => good with { Instances = new Dictionary<string, int> { ["ada"] = 2 }, Numbers = new(2, 0, 2, 0, 0) },
            "numbers that do not add up" => good with { Numbers = new(1, 0, 1, 1, 0) },
            "laid aside" => good with { LaidAside = ["ada: it failed"] },
            "a conflict" => good with { Conflicts = ["node1: another was there"] },
            "an inbox that is not empty" => good with { Inbox = 3 },
            "a mail that was not planned" => good with { Ledger = [.. good.Ledger.Take(2)], Log = [.. good.Log.Take(2)] },
            "a mail that was planned twice" => good with { Ledger = [.. good.Ledger, good.Ledger[0] with { Key = Key(9) }] },
            "a wait that was too short" => With(good, row => row == two, row => row with { QueuedAt = row.QueuedAt - 1 }),
            "a mail that came too soon after its contact" => good with { SentAt = new Dictionary<string, long> { ["ada"] = 1 } },
            "a mail under way" => With(good, row => row == two, row => row with { State = MessageState.Inflight }),
            "accepted and not taken" => good with { Log = [good.Log[0], good.Log[2]] },
            "taken and not accepted" => With(good, row => row == two, row => row with { State = MessageState.Rejected }),
            "unconfirmed" => With(good, row => row == two, row => row with { State = MessageState.Unconfirmed }) with { Log = [good.Log[0], good.Log[2]] },
            "taken without a plan" => good with { Log = [.. good.Log, new(0, new(Key(9), "bob@example.org", "Mail one", 1), false)] },
            "the same key twice" => good with { Log = [.. good.Log, line] },
            "the same mail under another key" => good with { Log = [.. good.Log, line with { Mail = line.Mail with { Key = Key(9) } }] },
            "a lost report" => good with { Delivered = new HashSet<Guid> { Key(1), Key(3) } },
            _ => throw new ArgumentOutOfRangeException(nameof(wrong), wrong, "is not made here"),
        };

        Assert.Contains(Checker.Judge(evidence, ReplayPolicy.Searchable, Wait).Findings, finding => finding.Contains(words, StringComparison.Ordinal));
    }

    /// <summary>One contact, three mails, all as it should be.</summary>
    private static Evidence Good() => new()
    {
        SentAt = new Dictionary<string, long> { ["ada"] = 0 },
        Instances = new Dictionary<string, int> { ["ada"] = 1 },
        Ledger = [.. Checker.Mails.Select((mail, i) => new LedgerRow(Key(i + 1), "ada", mail.Template, MessageState.Accepted, i * 2_000, null))],
        Log = [.. Checker.Mails.Select((mail, i) => new TakenLine(i * 2_000, new(Key(i + 1), "ada@example.org", mail.Subject, 1), false))],
        Numbers = new(1, 0, 1, 0, 0),
        LaidAside = [],
        Inbox = 0,
        Delivered = new HashSet<Guid> { Key(1), Key(2), Key(3) },
        Conflicts = [],
    };

    private static Evidence With(Evidence evidence, Func<LedgerRow, bool> which, Func<LedgerRow, LedgerRow> change) =>
        evidence with { Ledger = [.. evidence.Ledger.Select(row => which(row) ? change(row) : row)] };

    private static Guid Key(int number) => new(number, 0, 0, new byte[8]);
}
