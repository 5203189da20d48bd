using MailFlow.Data;

namespace MailFlow.Delivery.Routing;

/// <summary>Warm-up schedules by sending domain. What they hold back is marketing mail: a receipt is not kept waiting, but counts.</summary>
public sealed class WarmUps(Database database)
{
    /// <summary>Begins a domain's warm-up, or sets another schedule for it, which begins today.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="domain">The domain mail comes from.</param>
    /// <param name="firstVolume">How many mails on the first day: 1 or more.</param>
    /// <param name="targetVolume">How many on the last day: as many or more, at most a hundred million.</param>
    /// <param name="days">From the first day to the last: 2 to 90; providers advise 14 to 28.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="InvalidInputException">A number is out of its range, or the domain is not one.</exception>
    public Task PutAsync(int accountId, string domain, int firstVolume, int targetVolume, int days, CancellationToken ct) => database.WriteAsync(async session =>
    {
        domain = CheckedDomain(domain);
        if (firstVolume < 1) throw new InvalidInputException("first_volume", "must be 1 or more");
        if (targetVolume < firstVolume || targetVolume > 100_000_000) throw new InvalidInputException("target_volume", "must be first_volume or more, and at most 100,000,000");
        if (days is < 2 or > 90) throw new InvalidInputException("days", "must be 2 to 90");
        await session.ExecuteAsync("""
            INSERT INTO sending_warm_up (account_id, domain, first_volume, target_volume, days, step, day) VALUES (@account, @domain, @first, @target, @days, 0, @today)
            ON CONFLICT (account_id, domain) DO UPDATE SET first_volume = excluded.first_volume, target_volume = excluded.target_volume, days = excluded.days, step = 0, day = excluded.day
            """, ct, ("account", accountId), ("domain", domain), ("first", firstVolume), ("target", targetVolume), ("days", days), ("today", FlowStore.DayOf(await session.NowAsync(ct))));
        await Audit.RecordAsync(session, accountId, "warm_up.put", domain, ct, ("first_volume", firstVolume), ("target_volume", targetVolume), ("days", days));
    }, ct);

    /// <summary>Ends a warm-up: from now on the domain sends as if it were warm. False when there is none.</summary>
    public Task<bool> DeleteAsync(int accountId, string domain, CancellationToken ct) => database.WriteAsync(async session =>
    {
        domain = CheckedDomain(domain);
        if (await session.ExecuteAsync("DELETE FROM sending_warm_up WHERE account_id = @account AND domain = @domain", ct, ("account", accountId), ("domain", domain)) == 0) return false;
        await Audit.RecordAsync(session, accountId, "warm_up.delete", domain, ct);
        return true;
    }, ct);

    private static string CheckedDomain(string domain) => EmailAddress.TryParse($"postmaster@{domain}", out var parsed, out _)
        ? parsed.Domain.ToLowerInvariant() : throw new InvalidInputException("domain", $"'{domain}' is not a domain");
}
