using MailFlow.Data;
using MailFlow.Delivery.Routing;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery.Reports;

/// <summary>
/// Decides when reported faults of the sender stop mail. A refusal is the word of one recipient's server, which may be mistaken, and which anybody can have who gets a mail. So one
/// report is enough only where a great mailbox provider says it by a code that means nothing else, and the sending provider vouches for having heard it. Otherwise it takes
/// <see cref="Recipients"/> recipients at <see cref="Receivers"/> domains within a day, and of much mail of the stream by that domain or connection a hundredth: a few addresses are soon had.
/// </summary>
internal static class SenderFaults
{
    public const int Recipients = 5, Receivers = 2;

    private const double Share = 0.01;

    private const long WindowMs = 24 * 60 * 60 * 1000;

    private static MessageStream[] Streams { get; } = [MessageStream.Transactional, MessageStream.Marketing];

    /// <summary>Counts faults, and gives what is to be stopped for them. What led to that is forgotten: once somebody has it send again, the count begins anew, with mail from then on.</summary>
    public static async Task<IReadOnlyList<NewStop>> CountAsync(
        Session session, IReadOnlyList<(Report Report, ReportedMessage Message)> reports, Resumes resumes, long now, CancellationToken ct)
    {
        var faults = (from each in reports
                      where each.Report is { Fault: not null, IsProven: true } && each.Message.To is not null
                      let receiver = EmailAddress.TryParse(each.Message.To, out var to) ? to.Domain.ToLowerInvariant() : ""
                      let subject = each.Report.Fault!.Stops == FaultScope.Domain
                          ? each.Message.FromDomain is { } domain ? SendingStops.OfDomain(domain) : null : each.Message.Provider is { } route ? SendingStops.OfConnection(route) : null
                      where subject is not null && receiver.Length > 0 && !resumes.IsFromBefore(new BucketKey(each.Message.AccountId, subject), each.Message.HandedOverAt)
                      select new Fault(each.Message.AccountId, subject, each.Message.Stream, each.Report, each.Message.ContactId, receiver)).ToList();
        if (faults.Count == 0) return [];
        var certain = faults.Where(fault => fault.Report is { Fault.IsExact: true, IsAttested: true } && MailboxProviders.Names.Contains(MailboxProviders.Of(fault.Receiver))).ToList();

        var told = faults.DistinctBy(fault => (fault.AccountId, fault.Subject, fault.Stream, fault.ContactId))
            .OrderBy(fault => fault.AccountId).ThenBy(fault => fault.Subject, StringComparer.Ordinal).ThenBy(fault => fault.Stream).ThenBy(fault => fault.ContactId).ToList();
        await session.ExecuteAsync("""
            INSERT INTO sender_fault (account_id, subject, stream, contact_id, receiver, at) SELECT r.owner, r.subject, r.stream, r.contact, r.receiver, @now FROM {rows} WHERE true
            ON CONFLICT (account_id, subject, stream, contact_id) DO UPDATE SET at = excluded.at, receiver = excluded.receiver
            """,
            Subjects(told).Long("contact", f => f.ContactId).Text("receiver", f => f.Receiver), ct, ("now", now));
        var subjects = told.DistinctBy(fault => (fault.AccountId, fault.Subject, fault.Stream)).ToList();
        var days = await FlowStore.DaysAsync(session, [.. subjects.Select(fault => fault.AccountId).Distinct()], FlowStore.DayOf(now - WindowMs), ct);
        var full = (await session.QueryAsync("""
            SELECT r.owner, r.subject, r.stream, count(*), count(DISTINCT f.receiver) FROM {rows}
            JOIN sender_fault f ON f.account_id = r.owner AND f.subject = r.subject AND f.stream = r.stream WHERE f.at > @since GROUP BY r.owner, r.subject, r.stream
            """,
            Subjects(subjects), row => (Key: (row.Int(0), row.Text(1), (MessageStream)row.Int(2)), Recipients: row.Long(3), Receivers: row.Long(4)), ct, ("since", now - WindowMs)))
            .Where(each => each.Recipients >= Math.Max(Recipients, Share * Mails(each.Key)) && each.Receivers >= Receivers).Select(each => each.Key).ToHashSet();
        var stopping = certain.Concat(told.Where(fault => full.Contains((fault.AccountId, fault.Subject, fault.Stream)))).ToList();
        await session.ExecuteAsync("DELETE FROM sender_fault WHERE (account_id, subject, stream) IN (SELECT r.owner, r.subject, r.stream FROM {rows})",
            Subjects([.. stopping.DistinctBy(fault => (fault.AccountId, fault.Subject, fault.Stream))]), ct);
        return [.. stopping.SelectMany(Stops)];

        int Mails((int AccountId, string Subject, MessageStream Stream) of) => days[new BucketKey(of.AccountId, of.Subject)].Sum(day => day.HandedOverOf(of.Stream));
    }

    /// <summary>A refused connection fails for both streams, a refused domain for the one that was refused.</summary>
    private static IEnumerable<NewStop> Stops(Fault fault) => (fault.Report.Fault!.Stops == FaultScope.Connection ? Streams : [fault.Stream])
        .Select(stream => new NewStop(fault.AccountId, fault.Subject, stream, fault.Report.Reason ?? "the sender is refused"));

    private static Rows<Fault> Subjects(IReadOnlyList<Fault> faults) => new Rows<Fault>(faults).Int("owner", f => f.AccountId).Text("subject", f => f.Subject).Int("stream", f => (int)f.Stream);

    private sealed record Fault(int AccountId, string Subject, MessageStream Stream, Report Report, long ContactId, string Receiver);
}
