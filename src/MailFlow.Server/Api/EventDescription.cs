using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using MailFlow.Audience;
using MailFlow.Journeys;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace MailFlow.Server.Api;

/// <summary>Events in the API's description. <see cref="EventReader"/> reads them.</summary>
internal static class EventDescription
{
    /// <param name="EventId">Your id of the event: the same id again is taken once.</param>
    /// <param name="EventType">What happened, such as <c>user_signed_up</c>.</param>
    /// <param name="UserId">To whom: your id of the contact, who is created when unknown.</param>
    /// <param name="Timestamp">When: milliseconds since 1970 (UTC) or RFC 3339 text, at most 30 days old and 24 hours ahead; default: now.</param>
    /// <param name="Payload">What else is known, for rules and templates: members of any name.</param>
    /// <param name="Metadata">What the sender wants kept beside it: members of any name.</param>
    internal sealed record Event(
        [property: StringLength(EventReader.LongestId, MinimumLength = 1)] string EventId,
        [property: StringLength(EventReader.LongestType, MinimumLength = 1), RegularExpression("^[A-Za-z0-9_.:-]+$")] string EventType,
        [property: StringLength(ContactFieldsCheck.LongestUserId, MinimumLength = 1)] string UserId,
        object? Timestamp = null,
        EventPayload? Payload = null,
        IReadOnlyDictionary<string, object?>? Metadata = null);

    /// <param name="Contact">Changes the contact before anything else sees the event.</param>
    internal sealed record EventPayload(EventContact? Contact = null);

    /// <param name="Email">Where mail goes.</param>
    /// <param name="FirstName">First name.</param>
    /// <param name="LastName">Last name.</param>
    /// <param name="TimeZone">An IANA time zone, such as <c>Europe/Berlin</c>.</param>
    /// <param name="Tags">Replace the contact's tags.</param>
    /// <param name="Consents">By purpose: given (true) or withdrawn (false). Each is put on record.</param>
    /// <param name="Attributes">Your own fields, set one by one; null removes one. Any other member beside these is one too.</param>
    internal sealed record EventContact(
        string? Email = null, string? FirstName = null, string? LastName = null, string? TimeZone = null,
        IReadOnlyList<string>? Tags = null, IReadOnlyDictionary<string, bool>? Consents = null, IReadOnlyDictionary<string, object?>? Attributes = null);

    private const string One = """
        {"event_id":"signup-1","event_type":"user_signed_up","user_id":"u-1",
         "payload":{"plan":"pro","contact":{"email":"ada@example.org","first_name":"Ada","time_zone":"Europe/London","consents":{"newsletter":true}}}}
        """;

    private const string Many = """
        [{"event_id":"order-1","event_type":"order_placed","user_id":"u-1","payload":{"order_id":"o-1","total":40,"currency":"EUR"}},
         {"event_id":"order-2","event_type":"order_placed","user_id":"u-2","payload":{"order_id":"o-2","total":12.5,"currency":"EUR"},"metadata":{"source":"web"}}]
        """;

    /// <summary>What no attribute says: an event has no other members, a payload and a contact have.</summary>
    public static void Configure(OpenApiOptions options) => options.AddSchemaTransformer((schema, context, _) =>
    {
        var type = context.JsonTypeInfo.Type;
        if (context.JsonPropertyInfo is { Name: "timestamp" } property && property.DeclaringType == typeof(Event)) schema.Type = JsonSchemaType.Integer | JsonSchemaType.String;
        else if (type == typeof(Event)) schema.AdditionalPropertiesAllowed = false;
        else if (type == typeof(EventPayload) || type == typeof(EventContact)) schema.AdditionalProperties = new OpenApiSchema();
        return Task.CompletedTask;
    });

    /// <summary>The body is one event or an array of them.</summary>
    public static Task DescribeBody(OpenApiOperation operation, int mostInOneRequest)
    {
        var body = operation.RequestBody!.Content!["application/json"];
        var item = body.Schema!.Items!;
        body.Schema = new OpenApiSchema { OneOf = [item, new OpenApiSchema { Type = JsonSchemaType.Array, Items = item, MaxItems = mostInOneRequest }] };
        body.Examples = new Dictionary<string, IOpenApiExample>
        {
            ["one"] = new OpenApiExample { Summary = "One event", Value = JsonNode.Parse(One) },
            ["many"] = new OpenApiExample { Summary = "An array", Value = JsonNode.Parse(Many) },
        };
        return Task.CompletedTask;
    }
}
