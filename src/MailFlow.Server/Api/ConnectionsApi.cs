using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

/// <summary>The provider accounts by which an account's mail leaves.</summary>
internal static class ConnectionsApi
{
    /// <param name="Name">Its name in <c>type</c>.</param>
    /// <param name="DisplayName">What people call it.</param>
    /// <param name="Settings">What a connection is set up with, in the order of the form.</param>
    /// <param name="ReportsByWebhook">Whether what became of the mail comes back by webhook.</param>
    internal sealed record ProviderKind(string Name, string DisplayName, IReadOnlyList<ProviderSetting> Settings, bool ReportsByWebhook);

    /// <param name="Connection">The connection.</param>
    /// <param name="WebhookUrl">What the provider must be told to call; null for a kind that reports nothing.</param>
    internal sealed record ShownConnection(Connection Connection, string? WebhookUrl);

    /// <param name="To">The address to send to.</param>
    internal sealed record ConnectionTestInput(string? To);

    public static void MapConnections(this IEndpointRouteBuilder api)
    {
        api.MapGet("/provider-types", (Connections connections) => new Page<ProviderKind>(
            [.. connections.Types.OrderBy(type => type.Name, StringComparer.Ordinal).Select(type => new ProviderKind(type.Name, type.DisplayName, type.Settings, type.Webhook is not null))], null))
            .RequireScope(Scopes.Admin).WithTags("Connections").WithSummary("The kinds of providers, and what a connection to each is set up with").Produces<Page<ProviderKind>>();
        var group = api.MapGroup("/connections").RequireScope(Scopes.Admin).WithTags("Connections");
        group.MapGet("", ListAsync).WithSummary("List the connections by which mail leaves; without any, the server's own provider sends").Produces<Page<ShownConnection>>();
        group.MapGet("/{key}", FindAsync).WithSummary("Read one connection; secrets are named, never shown").Produces<ShownConnection>();
        group.MapPut("/{key}", PutAsync).WithMetadata(new TakesBack(typeof(Connection))).WithSummary("Make or change a connection; what is left out stays as it was").Produces<ShownConnection>();
        group.MapDelete("/{key}", DeleteAsync).WithSummary("Remove a connection").Produces(204);
        group.MapPost("/{key}/test", TestAsync).WithSummary("Send a test mail by this connection, switched on or off: 50 an hour for an account")
            .Produces<TemplateTrialsApi.TestSent>().Produces(429, contentType: Problems.ContentType);
    }

    private static async Task<Page<ShownConnection>> ListAsync(Caller caller, Connections connections, DeliveryOptions options, CancellationToken ct) =>
        new([.. (await connections.ListAsync(caller.AccountId, ct)).Select(connection => Show(connection, connections, options))], null);

    private static async Task<ShownConnection> FindAsync(string key, Caller caller, Connections connections, DeliveryOptions options, CancellationToken ct) =>
        await connections.FindAsync(caller.AccountId, key, ct) is { } found ? Show(found, connections, options) : throw Missing(key);

    private static async Task<ShownConnection> PutAsync(string key, Body<ConnectionDraft> body, Caller caller, Connections connections, DeliveryOptions options, CancellationToken ct) =>
        Show(await connections.PutAsync(caller.AccountId, key, body.Value, ct), connections, options);

    private static async Task<IResult> DeleteAsync(string key, Caller caller, Connections connections, CancellationToken ct) =>
        await connections.DeleteAsync(caller.AccountId, key, ct) ? Results.NoContent() : throw Missing(key);

    private static async Task<TemplateTrialsApi.TestSent> TestAsync(string key, Body<ConnectionTestInput> body, Caller caller, TrialMail trials, CancellationToken ct)
    {
        if (string.IsNullOrWhiteSpace(body.Value.To)) throw new InvalidInputException("to", "is missing");
        try
        {
            return TemplateTrialsApi.Shown(await trials.SendByAsync(caller.AccountId, key, body.Value.To.Trim(), ct));
        }
        catch (TooManyTrialsException many)
        {
            throw TemplateTrialsApi.TooMany(many);
        }
    }

    private static ShownConnection Show(Connection connection, Connections connections, DeliveryOptions options) => new(
        connection,
        connections.Types.FirstOrDefault(type => type.Name == connection.Type)?.Webhook is null ? null : $"{options.PublicBaseUrl.TrimEnd('/')}/api/v1/webhooks/{connection.Type}/{connection.Id}");

    private static NotFoundException Missing(string key) => new($"There is no connection '{key}'.");
}
