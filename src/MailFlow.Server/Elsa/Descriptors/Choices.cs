using System.Text.Json.Nodes;
using MailFlow.Audience;
using MailFlow.Content;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Activities;
using MailFlow.Journeys;

namespace MailFlow.Server.Elsa.Descriptors;

/// <summary>What an input offers to choose from: its own fixed values, or the account's own things.</summary>
internal sealed class Choices(Templates templates, Segments segments, JourneyDefinitions journeys, Vocabulary vocabulary)
{
    private static readonly JsonArray TimeZones = Same(Vocabulary.TimeZones);

    /// <summary>The account's things by kind (<see cref="InputDescriptor.ChoicesFrom"/>), as items <c>{text, value}</c>.</summary>
    public async Task<IReadOnlyDictionary<string, JsonArray>> OfAccountAsync(int accountId, CancellationToken ct) => new Dictionary<string, JsonArray>(StringComparer.Ordinal)
    {
        ["templates"] = await TemplatesAsync(accountId, ct),
        ["segments"] = await SegmentsAsync(accountId, ct),
        ["journeys"] = await JourneysAsync(accountId, ct),
        ["event_types"] = await EventTypesAsync(accountId, ct),
        ["purposes"] = Same(await vocabulary.PurposesAsync(accountId, ct)),
        ["time_zones"] = TimeZones,
    };

    /// <summary>The account's things of one kind; none of a kind that is not known.</summary>
    public async Task<JsonArray> OfAccountAsync(int accountId, string kind, CancellationToken ct) => kind switch
    {
        "templates" => await TemplatesAsync(accountId, ct),
        "segments" => await SegmentsAsync(accountId, ct),
        "journeys" => await JourneysAsync(accountId, ct),
        "event_types" => await EventTypesAsync(accountId, ct),
        "purposes" => Same(await vocabulary.PurposesAsync(accountId, ct)),
        "time_zones" => TimeZones,
        _ => [],
    };

    /// <summary>One item.</summary>
    public static JsonObject Item(string text, string value) => new() { ["text"] = text, ["value"] = value };

    private async Task<JsonArray> TemplatesAsync(int accountId, CancellationToken ct) =>
        Items((await AllAsync(cursor => templates.ListAsync(accountId, cursor, Cursor.MaxLimit, ct))).Where(template => !template.IsLayout),
            template => Item(string.IsNullOrWhiteSpace(template.Subject) ? template.Key : $"{template.Key} – {template.Subject}", template.Key));

    private async Task<JsonArray> SegmentsAsync(int accountId, CancellationToken ct) =>
        Items(await AllAsync(cursor => segments.ListAsync(accountId, cursor, Cursor.MaxLimit, ct)), segment => Item(segment.Name, segment.Key));

    private async Task<JsonArray> JourneysAsync(int accountId, CancellationToken ct) =>
        Items(await AllAsync(cursor => journeys.ListAsync(accountId, cursor, Cursor.MaxLimit, ct)), journey => Item(journey.Name, journey.DefinitionId));

    /// <summary>What MailFlow raises itself first, in words: of it nobody need have seen one yet.</summary>
    private async Task<JsonArray> EventTypesAsync(int accountId, CancellationToken ct) => new([
        .. EmailEvents.All.Select(each => Item($"{each.Words} ({each.EventType})", each.EventType)),
        .. (await vocabulary.EventTypesAsync(accountId, ct)).Where(name => !EmailEvents.IsReserved(name)).Select(name => Item(name, name))]);

    private static async Task<List<T>> AllAsync<T>(Func<string?, Task<Page<T>>> read)
    {
        var all = new List<T>();
        string? cursor = null;
        do
        {
            var page = await read(cursor);
            all.AddRange(page.Items);
            cursor = page.Next;
        }
        while (cursor is not null);
        return all;
    }

    private static JsonArray Items<T>(IEnumerable<T> things, Func<T, JsonObject> item) => new([.. things.Select(item)]);

    private static JsonArray Same(IEnumerable<string> names) => Items(names, name => Item(name, name));
}
