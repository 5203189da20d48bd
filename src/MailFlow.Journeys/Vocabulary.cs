using System.Text.Json.Nodes;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using NodaTime;

namespace MailFlow.Journeys;

/// <summary>The names an account's journeys may speak of: what a designer offers to choose from.</summary>
public sealed class Vocabulary
{
    /// <summary>How far back the account's events are looked through for their types.</summary>
    private const int RecentEvents = 5_000;

    private readonly Database _database;
    private readonly ActivityRegistry _registry;

    internal Vocabulary(Database database, ActivityRegistry registry) => (_database, _registry) = (database, registry);

    /// <summary>The time zones of the IANA database that people choose from.</summary>
    public static IReadOnlyList<string> TimeZones { get; } =
        [.. DateTimeZoneProviders.Tzdb.Ids.Where(id => (id.Contains('/') && !id.StartsWith("Etc/", StringComparison.Ordinal) && !id.StartsWith("SystemV/", StringComparison.Ordinal)) || id == "UTC").Order(StringComparer.Ordinal)];

    /// <summary>The types of event that came lately, and those that journeys start with, wait for or leave by.</summary>
    public async Task<IReadOnlyList<string>> EventTypesAsync(int accountId, CancellationToken ct)
    {
        var seen = await _database.ReadAsync(session => session.QueryAsync(
            "SELECT DISTINCT e.event_type FROM (SELECT event_type FROM event WHERE account_id = @account ORDER BY id DESC LIMIT @limit) AS e",
            row => row.Text(0), ct, ("account", accountId), ("limit", RecentEvents)), ct);
        var declared = (await DefinitionsAsync(accountId, ct)).SelectMany(Activities).SelectMany(EventTypes);
        return [.. seen.Concat(declared).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>The purposes that are offered, those that contacts were asked for, and those that journeys name.</summary>
    public async Task<IReadOnlyList<string>> PurposesAsync(int accountId, CancellationToken ct)
    {
        var asked = await _database.ReadAsync(session => session.QueryAsync(
            "SELECT DISTINCT c.purpose FROM (SELECT purpose FROM consent WHERE account_id = @account ORDER BY id DESC LIMIT @limit) AS c UNION SELECT key FROM purpose WHERE account_id = @account",
            row => row.Text(0), ct, ("account", accountId), ("limit", RecentEvents)), ct);
        var named = (await DefinitionsAsync(accountId, ct)).Select(document => Text(document["customProperties"]?["mailflow"] as JsonObject, "purpose")).OfType<string>();
        return [.. asked.Concat(named).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    private Task<IReadOnlyList<JsonObject>> DefinitionsAsync(int accountId, CancellationToken ct) => _database.ReadAsync(async session =>
    {
        var found = await session.QueryAsync("""
            SELECT v.definition FROM journey j
            JOIN definition_version v ON v.journey_id = j.id AND v.version = (SELECT max(l.version) FROM definition_version l WHERE l.journey_id = j.id)
            WHERE j.account_id = @account ORDER BY j.updated_at DESC LIMIT @limit
            """, row => row.Text(0), ct, ("account", accountId), ("limit", Cursor.MaxLimit));
        return (IReadOnlyList<JsonObject>)[.. found.Select(json => StandardForm.Of(WorkflowDefinition.ReadStored(json), _registry))];
    }, ct);

    private static IEnumerable<JsonObject> Activities(JsonObject document) => Inside(document["root"] as JsonObject);

    private static IEnumerable<JsonObject> Inside(JsonObject? flowchart) =>
        (flowchart?["activities"] as JsonArray ?? []).OfType<JsonObject>().SelectMany(activity => Inside(activity).Prepend(activity));

    private IEnumerable<string> EventTypes(JsonObject activity) =>
        (_registry.Find(Text(activity, "type") ?? "")?.Inputs ?? [])
            .Where(input => input.ChoicesFrom == "event_types")
            .Select(input => Text(activity[input.Name]?["expression"] as JsonObject, "value")).OfType<string>()
            .Where(name => name.Length > 0 && !name.Contains("{{", StringComparison.Ordinal));

    private static string? Text(JsonObject? json, string name) =>
        json?[name] is JsonValue value && value.TryGetValue<string>(out var text) && !string.IsNullOrWhiteSpace(text) ? text : null;
}
