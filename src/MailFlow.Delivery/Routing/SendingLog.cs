namespace MailFlow.Delivery.Routing;

/// <summary>What left on one day, and what came of it; and how much of that was judged when the subject was resumed.</summary>
internal readonly record struct SendingDay(
    int Day, int HandedOver, int Delivered, int HardBounces, int Complaints, int JudgedMails = 0, int JudgedBounces = 0, int JudgedComplaints = 0);

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
/// was last resumed is in no rate.
/// </summary>
internal sealed class SendingLog(IEnumerable<SendingDay> days)
{
    public const double SlowComplaints = 0.001, StopComplaints = 0.0025, SlowBounces = 0.05, StopBounces = 0.1;
    public const int Window = 7;
    private const int FewestForComplaints = 1000, FewestForBounces = 200;

    private readonly Dictionary<int, SendingDay> _days = days.ToDictionary(day => day.Day);

    public SendingDay Of(int day) => _days.GetValueOrDefault(day, new SendingDay(day, 0, 0, 0, 0));

    /// <summary>The share of complaints in the seven days up to this one.</summary>
    public double ComplaintRate(int day) => (double)Sum(day, d => d.Complaints - d.JudgedComplaints) / Math.Max(FewestForComplaints, Sum(day, d => d.HandedOver - d.JudgedMails));

    /// <summary>The share of hard bounces.</summary>
    public double BounceRate(int day) => (double)Sum(day, d => d.HardBounces - d.JudgedBounces) / Math.Max(FewestForBounces, Sum(day, d => d.HandedOver - d.JudgedMails));

    public Standing StandingOn(int day) => (ComplaintRate(day), BounceRate(day)) switch
    {
        ( >= StopComplaints, _) or (_, >= StopBounces) => Standing.Bad,
        ( >= SlowComplaints, _) or (_, >= SlowBounces) => Standing.Poor,
        _ => Standing.Good,
    };

    /// <summary>The most that left on one of the seven days up to this one.</summary>
    public int Most(int day) => Enumerable.Range(day - Window + 1, Window).Max(each => Of(each).HandedOver);

    private int Sum(int day, Func<SendingDay, int> value) => Enumerable.Range(day - Window + 1, Window).Sum(each => value(Of(each)));
}
