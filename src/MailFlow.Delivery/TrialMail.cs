using MailFlow.Audience;
using MailFlow.Content;
using MailFlow.Data;
using MailFlow.Delivery.Deliverability;
using MailFlow.Delivery.Routing;
using MailFlow.Engine.Definitions;

namespace MailFlow.Delivery;

/// <summary>What a template is tried with.</summary>
/// <param name="Version">Which version; null for the latest.</param>
/// <param name="Source">What its author wrote and has not put yet; null for what is stored.</param>
/// <param name="Contact">The contact as templates see it.</param>
/// <param name="Event">What stands for event and trigger.</param>
public sealed record Trial(int? Version, TemplateSource? Source, IReadOnlyDictionary<string, object?> Contact, IReadOnlyDictionary<string, object?> Event);

/// <summary>What became of a trial that was sent.</summary>
/// <param name="MessageId">Stands in the mail's headers; it is no message of the ledger.</param>
/// <param name="Mail">What was sent.</param>
/// <param name="Answer">What the provider said.</param>
public sealed record SentTrial(Guid MessageId, RenderedEmail Mail, HandOver Answer);

/// <summary>
/// Tries templates and connections out: renders one as a contact would get it, and sends one to an address somebody typed. Such a mail is outside the ledger: no journey planned
/// it, no retry follows, its unsubscribe link unsubscribes nobody. A suppressed address is not mailed all the same, and who sends one is on record.
/// </summary>
public sealed class TrialMail
{
    /// <summary>How many an account may send in an hour: enough for whoever writes, and of no use to mail strangers past consents and journeys.</summary>
    public const int MostInAnHour = 50;

    private const long HourMs = 3600_000;
    private const string TemplateTest = "template.test", ConnectionTest = "connection.test";

    private readonly Database _database;
    private readonly Templates _templates;
    private readonly TemplateRenderer _renderer;
    private readonly Senders _senders;
    private readonly Suppressions _suppressions;
    private readonly Routes _routes;
    private readonly DeliveryOptions _options;

    internal TrialMail(Database database, Templates templates, TemplateRenderer renderer, Senders senders, Suppressions suppressions, Routes routes, DeliveryOptions options) =>
        (_database, _templates, _renderer, _senders, _suppressions, _routes, _options) = (database, templates, renderer, senders, suppressions, routes, options);

    /// <summary>Renders a template as it would be sent.</summary>
    /// <exception cref="NotFoundException">There is no such template or version.</exception>
    /// <exception cref="InvalidInputException">The source cannot be compiled; names the field.</exception>
    /// <exception cref="RenderException">It cannot be rendered.</exception>
    public async Task<RenderedEmail> RenderAsync(int accountId, string key, Trial trial, CancellationToken ct) =>
        await RenderAsync(accountId, key, trial, Senders.For(await _routes.ForTrialAsync(accountId, ct), await _senders.FindAsync(accountId, ct)), Guid.Empty, ct);

    /// <summary>Renders a stored template and hands it to the provider, marked as a test in its subject.</summary>
    /// <param name="accountId">Whose template.</param>
    /// <param name="key">Its key.</param>
    /// <param name="to">The address.</param>
    /// <param name="trial">What it is tried with.</param>
    /// <param name="userId">The contact it is rendered for, by the application's id; empty for none.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is no such template or version.</exception>
    /// <exception cref="ConflictException">The address is suppressed.</exception>
    /// <exception cref="TooManyTrialsException">The account has sent <see cref="MostInAnHour"/> within the last hour.</exception>
    /// <exception cref="InvalidInputException">The address cannot be mailed.</exception>
    /// <exception cref="RenderException">It cannot be rendered.</exception>
    public async Task<SentTrial> SendAsync(int accountId, string key, string to, Trial trial, string userId, CancellationToken ct)
    {
        var address = Parsed(to);
        var template = await FindAsync(accountId, key, trial.Version, ct);
        return await SendAsync(accountId, address, template.Source.Stream, await _routes.ForTrialAsync(accountId, ct), (TemplateTest, key), key, userId,
            (sender, id) => RenderAsync(accountId, key, trial, sender, id, ct), ct);
    }

    /// <summary>Hands a mail of a few words to one connection, switched on or off: whether it takes mail is seen before it takes an account's.</summary>
    /// <param name="accountId">Whose connection.</param>
    /// <param name="key">Its key.</param>
    /// <param name="to">The address.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="NotFoundException">There is no such connection.</exception>
    /// <exception cref="ConflictException">The address is suppressed, the sender has no address, or the connection cannot be opened or is not in the account's region.</exception>
    /// <exception cref="TooManyTrialsException">The account has sent <see cref="MostInAnHour"/> within the last hour.</exception>
    /// <exception cref="InvalidInputException">The address cannot be mailed.</exception>
    public async Task<SentTrial> SendByAsync(int accountId, string key, string to, CancellationToken ct)
    {
        var address = Parsed(to);
        var words = $"This mail left by the connection {key}. If you read it, the connection works.";
        var mail = new RenderedEmail($"The connection {key}", $"<!DOCTYPE html><html lang=\"en\"><body><p>{words}</p></body></html>", words, []);
        return await SendAsync(accountId, address, MessageStream.Transactional, await _routes.ForTrialAsync(accountId, key, ct), (ConnectionTest, key), "connection-test", "",
            (_, _) => Task.FromResult(mail), ct);
    }

    private async Task<SentTrial> SendAsync(
        int accountId, EmailAddress address, MessageStream stream, Route route, (string Action, string Subject) recorded, string template, string userId,
        Func<SenderIdentity, Guid, Task<RenderedEmail>> render, CancellationToken ct)
    {
        var (suppression, now) = await _database.ReadAsync(async session =>
            (await _suppressions.FindAsync(session, accountId, stream, address.ToString(), ct), DateTimeOffset.FromUnixTimeMilliseconds(await session.NowAsync(ct))), ct);
        if (suppression is not null) throw new ConflictException($"'{address}' is suppressed ({suppression.Reason}): a test is not sent there either.");

        var (sender, id) = (Senders.For(route, await _senders.FindAsync(accountId, ct)), Guid.CreateVersion7(now));
        if (route.IsReal && SenderRules.IsNobody(sender)) throw new ConflictException("Mail must come from an address of yours, and the sender has none. Set it in Settings → Sender.");
        var rendered = await render(sender, id);
        rendered = rendered with { Subject = $"[Test] {rendered.Subject}" };
        var from = new Mailbox(EmailAddress.Parse(sender.Email), sender.Name);
        var mail = new OutgoingEmail
        {
            MessageId = id,
            AccountId = accountId,
            Attempt = 1,
            At = now,
            From = from,
            ReplyTo = sender.ReplyTo is { } replyTo ? new Mailbox(EmailAddress.Parse(replyTo)) : null,
            To = address,
            Subject = rendered.Subject,
            Html = rendered.Html,
            Text = rendered.Text,
            Headers = [("Message-ID", $"<{id:n}@{from.Address.Domain}>"), ("X-MailFlow-Test", "true")],
            Stream = stream,
            Template = template,
            UserId = userId,
            MayTrack = false, // nobody asked whoever reads it
        };
        await CountAsync(accountId, recorded.Action, recorded.Subject, address, ct);
        return new SentTrial(id, rendered, await HandOverAsync(route.Provider, mail, ct));
    }

    private static EmailAddress Parsed(string to) =>
        EmailAddress.TryParse(to, out var address, out var reason) ? address : throw new InvalidInputException("to", $"is not an e-mail address: {reason}");

    /// <summary>Counted by the record of who did what, so that neither a restart nor another node gives further ones.</summary>
    private Task CountAsync(int accountId, string action, string subject, EmailAddress to, CancellationToken ct) => _database.WriteAsync(async session =>
    {
        // The account's row is held until the commit: two that count at once count one after the other.
        await session.ExecuteAsync("UPDATE account SET name = name WHERE id = @account", ct, ("account", accountId));
        var now = await session.NowAsync(ct);
        var (sent, first) = await session.FirstAsync("""
            SELECT count(*), min(at) FROM audit WHERE account_id = @account AND action IN (@template, @connection)
              AND seq > coalesce((SELECT seq FROM audit WHERE account_id = @account AND at <= @since ORDER BY seq DESC LIMIT 1), 0)
            """, row => (row.Long(0), row.LongOrNull(1)), ct, ("account", accountId), ("template", TemplateTest), ("connection", ConnectionTest), ("since", now - HourMs));
        if (sent >= MostInAnHour) throw new TooManyTrialsException(TimeSpan.FromMilliseconds(Math.Max(1000, first!.Value + HourMs - now)));
        await Audit.RecordAsync(session, accountId, action, subject, ct, ("to", to.ToString()));
    }, ct);

    private async Task<HandOver> HandOverAsync(IEmailProvider provider, OutgoingEmail mail, CancellationToken ct)
    {
        using var timeout = new CancellationTokenSource(provider.RequestTimeout, _database.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        try
        {
            return await provider.SendAsync(mail, either.Token);
        }
        catch (Exception error) when (!ct.IsCancellationRequested)
        {
            return new HandOver.Unknown(error.Message);
        }
    }

    private async Task<RenderedEmail> RenderAsync(int accountId, string key, Trial trial, SenderIdentity sender, Guid messageId, CancellationToken ct)
    {
        var model = new Dictionary<string, object?>
        {
            ["contact"] = trial.Contact,
            ["event"] = trial.Event,
            ["trigger"] = trial.Event,
            ["journey"] = JsonData.Empty,
            ["sender"] = new Dictionary<string, object?> { ["name"] = sender.Name, ["email"] = sender.Email, ["postal_address"] = sender.PostalAddress },
            ["unsubscribe_url"] = $"{_options.PublicBaseUrl.TrimEnd('/')}{Unsubscribe.Path}/test",
            ["preferences_url"] = $"{_options.PublicBaseUrl.TrimEnd('/')}{Preferences.Path}/test",
            ["confirm_url"] = $"{_options.PublicBaseUrl.TrimEnd('/')}{Confirmation.Path}/test",
            ["message"] = new Dictionary<string, object?> { ["id"] = messageId.ToString() },
        };
        if (trial.Source is { } source) return await _renderer.RenderSourceAsync(accountId, key, source, model, ct);
        var template = await FindAsync(accountId, key, trial.Version, ct);
        return await _renderer.RenderAsync(accountId, key, template.Version, model, template.Source.Stream, null, ct);
    }

    private async Task<TemplateVersion> FindAsync(int accountId, string key, int? version, CancellationToken ct) =>
        await _templates.FindAsync(accountId, key, version, ct)
            ?? throw new NotFoundException($"There is no template '{key}'{(version is null ? "" : $" of version {version}")}.");
}

/// <summary>An account has sent as many tests as it may for now.</summary>
/// <param name="retryAfter">When the next may go.</param>
public sealed class TooManyTrialsException(TimeSpan retryAfter) : Exception($"{TrialMail.MostInAnHour} tests were sent within an hour, which is as many as may be.")
{
    /// <summary>When the next may go.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}
