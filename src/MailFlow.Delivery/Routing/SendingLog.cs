using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Routing;

/// <summary>What left on one day, and what came of it; how much of that was judged when the subject was resumed; and how many of the mails were transactional.</summary>
internal readonly record struct SendingDay(
    int Day, int HandedOver, int Delivered, int HardBounces, int Complaints, int JudgedMails = 0, int JudgedBounces = 0, int JudgedComplaints = 0, int Transactional = 0)
{
    public int HandedOverOf(MessageStream stream) => stream == MessageStream.Transactional ? Transactional : HandedOver - Transactional;
}

/// <summary>How mailbox providers are likely to see a sending domain.</summary>
internal enum Standing
{
    Good,

    /// <summary>Slow down.</summary>
    Poor,

    /// <summary>Stop.</summary>
    Bad,
}

/// <summary>
/// A sending domain's last days. Gmail and Yahoo want complaints below 0.1 % and never 0.3 % (Gmail's sender guidelines); we slow down at 0.1 % and stop at 0.25 %, over seven days. Amazon reviews a sender
/// at 5 % hard bounces and pauses it at 10 %: the same two steps. Of few mails a rate says little: rates are of 1,000 mails (bounces: 200) at least. What was there when the domain
/// was last resumed is in no rate. Each mailbox provider judges by its own users: the worst of them counts as the whole does, once it has had 500 mails and three complaints. Gmail reports no
/// complaint, so its mails are left out of the whole. All names below one registered domain are judged as one, as Gmail does; what may leave today is each name's own.
/// </summary>
/// <param name="days">The domain's own days.</param>
/// <param name="mailboxes">What is judged, by the recipients' mailbox provider.</param>
/// <param name="judged">The days that are judged, those of other names of the same registered domain among them; null for the domain's own.</param>
internal sealed class SendingLog(IReadOnlyList<SendingDay> days, IReadOnlyDictionary<string, SendingLog>? mailboxes = null, IReadOnlyList<SendingDay>? judged = null)
{
    public const double SlowComplaints = 0.001, StopComplaints = 0.0025, SlowBounces = 0.05, StopBounces = 0.1;
    public const int Window = 7;
    private const int FewestForComplaints = 1000, FewestForBounces = 200, FewestOfMailbox = 500, FewestComplaintsOfMailbox = 3;

    private readonly Dictionary<int, SendingDay> _days = days.ToDictionary(day => day.Day);

    public SendingDay Of(int day) => _days.GetValueOrDefault(day, new SendingDay(day, 0, 0, 0, 0));

    /// <summary>The share of complaints in the seven days up to this one.</summary>
    public double ComplaintRate(int day)
    {
        var silent = mailboxes?.GetValueOrDefault(MailboxProviders.Silent);
        return (double)(Complaints(day) - (silent?.Complaints(day) ?? 0)) / Math.Max(FewestForComplaints, Mails(day) - (silent?.Mails(day) ?? 0));
    }

    /// <summary>The mailbox providers that had mail in the seven days up to this one.</summary>
    public IReadOnlyList<MailboxStanding> Mailboxes(int day) =>
    [
        .. from mailbox in mailboxes ?? new Dictionary<string, SendingLog>()
           let mails = mailbox.Value.Mails(day)
           where mails > 0
           let complaints = mailbox.Value.Complaints(day)
           select new MailboxStanding(
               mailbox.Key, mails, complaints, mailbox.Key == MailboxProviders.Silent && complaints == 0 ? null : (double)complaints / mails,
               mails >= FewestOfMailbox && complaints >= FewestComplaintsOfMailbox),
    ];

    /// <summary>The mailbox provider with the highest share of complaints, of those that are told by enough of them; null for none.</summary>
    public MailboxStanding? WorstMailbox(int day) => Mailboxes(day).Where(mailbox => mailbox.Counts).MaxBy(mailbox => mailbox.ComplaintRate);

    /// <summary>The share of hard bounces.</summary>
    public double BounceRate(int day) => (double)Sum(day, d => d.HardBounces - d.JudgedBounces) / Math.Max(FewestForBounces, Mails(day));

    public Standing StandingOn(int day) => (Math.Max(ComplaintRate(day), WorstMailbox(day)?.ComplaintRate ?? 0), BounceRate(day)) switch
    {
        ( >= StopComplaints, _) or (_, >= StopBounces) => Standing.Bad,
        ( >= SlowComplaints, _) or (_, >= SlowBounces) => Standing.Poor,
        _ => Standing.Good,
    };

    /// <summary>The most that left on one of the seven days up to this one.</summary>
    public int Most(int day) => Enumerable.Range(day - Window + 1, Window).Max(each => Of(each).HandedOver);

    private int Mails(int day) => Sum(day, d => d.HandedOver - d.JudgedMails);

    private int Complaints(int day) => Sum(day, d => d.Complaints - d.JudgedComplaints);

    private int Sum(int day, Func<SendingDay, int> value) => (judged ?? days).Where(each => each.Day > day - Window && each.Day <= day).Sum(value);
}
