using MailFlow.Delivery.Tests.Reports;
using MailFlow.Engine.Definitions;
using MailFlow.Engine.Execution;
using MailFlow.Engine.Storage;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests;

/// <summary>The activity, run by the engine: event in, captured mail out.</summary>
public sealed class SendEmailTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_event_becomes_a_mail_once_with_the_events_values_in_it(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.TemplateAsync("order", "Order {{event.number}}, {{contact.first_name}}", "<p>{{journey.name}}</p>");
        await PublishAsync(fixture, Journey("order"));

        await PlaceOrderAsync(fixture);
        await PlaceOrderAsync(fixture);
        await fixture.SendAllAsync();

        var mail = Assert.Single((await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 10, default)).Items);
        Assert.Equal(("Order 17, Ada", "orders", "u-1"), (mail.Subject, mail.Journey, mail.UserId));
        var message = Assert.Single((await fixture.Messages.ListAsync(1, "u-1", "orders", "accepted", null, 10, default)).Items);
        Assert.Equal(("send", "order", 1, MessageStream.Marketing), (message.ActivityId, message.Template, message.TemplateVersion, message.Stream));
        Assert.Contains("queued 'order' to ada@example.org", await HistoryAsync(fixture));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_version_is_pinned_when_the_mail_is_queued(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await fixture.TemplateAsync("order", "First");
        await PublishAsync(fixture, Journey("order"));

        await PlaceOrderAsync(fixture);
        await fixture.TemplateAsync("order", "Second");
        await fixture.SendAllAsync();

        Assert.Equal("First", Assert.Single((await fixture.Get<SandboxMailbox>().ListAsync(1, null, null, 10, default)).Items).Subject);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_template_that_has_gone_makes_an_incident_of_the_instance(DatabaseKind kind)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(kind);
        await PublishAsync(fixture, Journey("gone"));

        await PlaceOrderAsync(fixture);

        Assert.Contains("there is no template 'gone'", await HistoryAsync(fixture));
        Assert.Empty((await fixture.Messages.ListAsync(1, null, null, null, null, 10, default)).Items);
    }

    [Theory]
    [InlineData(null, "newsletter", MessageStream.Marketing, "newsletter")]
    [InlineData("Transactional", "newsletter", MessageStream.Transactional, null)]
    public async Task A_receipt_sent_from_a_marketing_journey_needs_no_consent(string? stream, string purpose, MessageStream expected, string? gate)
    {
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite);
        await fixture.TemplateAsync("order", "Order");
        await PublishAsync(fixture, Journey("order", stream, $$"""{"purpose":"{{purpose}}"}"""));

        await PlaceOrderAsync(fixture);

        var planned = await fixture.Database.ReadAsync(session => session.QueryAsync(
            "SELECT stream, purpose FROM message", row => ((MessageStream)row.Int(0), row.TextOrNull(1)), default), default);
        Assert.Equal((expected, gate), Assert.Single(planned));
    }

    [Fact]
    public async Task A_journey_whose_template_does_not_exist_is_not_published_and_the_finding_names_the_node()
    {
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite);
        var graph = fixture.Get<GraphBuilder>().Build(WorkflowDefinition.Parse(Journey("missing")));
        var good = fixture.Get<GraphBuilder>().Build(WorkflowDefinition.Parse(Journey("welcome")));
        var check = fixture.Get<IEnumerable<IPublishCheck>>().Single(check => check.GetType().Name == "TemplatesExist");

        var finding = Assert.Single(await fixture.Database.ReadAsync(session => check.CheckAsync(session, 1, graph, default), default));

        Assert.Equal((Severity.Error, "send", "template", "unknown_template"), (finding.Severity, finding.ActivityId, finding.Input, finding.Code));
        Assert.Contains("'missing'", finding.Message);
        Assert.Empty(await fixture.Database.ReadAsync(session => check.CheckAsync(session, 1, good, default), default));
    }

    [Fact]
    public async Task A_template_that_is_no_mail_of_its_own_is_not_published_unless_what_it_lacks_is_said()
    {
        await using var fixture = await DeliveryFixture.CreateAsync(DatabaseKind.Sqlite);
        await fixture.TemplateAsync("frame", "", "<main>{{{body}}}</main>");
        await fixture.TemplateAsync("frame-with-subject", "Hello", "<main>{{{body}}}</main>");
        var check = fixture.Get<IEnumerable<IPublishCheck>>().Single(check => check.GetType().Name == "TemplatesExist");

        foreach (var template in new[] { "frame", "frame-with-subject" })
            foreach (var subject in new[] { null, "Said here" })
            {
                var finding = Assert.Single(await CheckAsync(template, subject));
                Assert.Equal((Severity.Error, "send", "template", "template_is_layout"), (finding.Severity, finding.ActivityId, finding.Input, finding.Code));
                Assert.Contains($"'{template}'", finding.Message);
            }

        Task<IReadOnlyList<Finding>> CheckAsync(string template, string? subject) => fixture.Database.ReadAsync(session =>
            check.CheckAsync(session, 1, fixture.Get<GraphBuilder>().Build(WorkflowDefinition.Parse(Journey(template, subject: subject))), default), default);
    }

    // Seen red: it was published, and the question went out without either.
    [Theory]
    [InlineData(DatabaseKind.Sqlite, "news", null, new[] { "postal_address_missing" })]
    [InlineData(DatabaseKind.PostgreSql, "news", null, new[] { "postal_address_missing" })]
    [InlineData(DatabaseKind.Sqlite, "news", "1 High Street", new string[0])]
    [InlineData(DatabaseKind.Sqlite, null, null, new string[0])]
    public async Task A_journey_that_only_asks_for_consent_wants_its_senders_postal_address_and_no_more_of_what_marketing_mail_wants(DatabaseKind kind, string? confirm, string? address, string[] findings)
    {
        await using var fixture = await FeedbackFixture.CreateAsync(kind); // whose mail reaches people, from a domain that nobody has checked
        await fixture.Delivery.Get<Senders>().PutAsync(1, new SenderIdentity("Shop", "hello@shop.example", null, address), default);
        var graph = fixture.Delivery.Get<GraphBuilder>().Build(WorkflowDefinition.Parse(Journey("welcome", "Transactional", confirm: confirm)));
        var check = fixture.Delivery.Get<IEnumerable<IPublishCheck>>().Single(check => check.GetType().Name == "SenderIsReady");

        Assert.Equal(findings, (await fixture.Delivery.Database.ReadAsync(session => check.CheckAsync(session, 1, graph, default), default)).Select(finding => finding.Code));
    }

    private static async Task PlaceOrderAsync(DeliveryFixture fixture)
    {
        await fixture.Get<EventIntake>().AcceptAsync(1, [new IncomingEvent(
            "e-1", "order", "u-1", fixture.Time.GetUtcNow(), """{"number":17,"contact":{"email":"ada@example.org","first_name":"Ada"}}""", null)], default);
        await fixture.Get<Worker>().RunUntilIdleAsync(default);
    }

    private static string Journey(string template, string? stream = null, string rules = "{}", string? subject = null, string? confirm = null) => """
        {
          "definitionId": "orders", "name": "Orders", "customProperties": {"mailflow": RULES},
          "root": {
            "type": "Elsa.Flowchart", "id": "root",
            "activities": [
              {"id": "on", "type": "Elsa.Event", "eventName": {"typeName": "String", "expression": {"type": "Literal", "value": "order"}}},
              {"id": "send", "type": "MailFlow.SendEmail", "template": TEMPLATE, "stream": STREAM, "subject": SUBJECT, "confirmPurpose": CONFIRM}
            ],
            "connections": [{"source": {"activity": "on"}, "target": {"activity": "send"}}]
          }
        }
        """.Replace("RULES", rules).Replace("TEMPLATE", Literal(template)).Replace("STREAM", stream is null ? "null" : Literal(stream))
        .Replace("SUBJECT", subject is null ? "null" : Literal(subject)).Replace("CONFIRM", confirm is null ? "null" : Literal(confirm));

    private static string Literal(string value) => """{"typeName": "String", "expression": {"type": "Literal", "value": "VALUE"}}""".Replace("VALUE", value);

    private static Task PublishAsync(DeliveryFixture fixture, string json) => fixture.Database.WriteAsync(async session =>
    {
        var journey = await session.ScalarAsync<int>(
            "INSERT INTO journey (account_id, definition_id, name, created_at, updated_at) VALUES (1, 'orders', 'Orders', 0, 0) RETURNING id", default);
        var version = await session.ScalarAsync<long>("""
            INSERT INTO definition_version (account_id, journey_id, version, definition, created_at, published_at) VALUES (1, @journey, 1, @json, 0, 0) RETURNING id
            """, default, ("journey", journey), ("json", json));
        await session.ExecuteAsync("UPDATE journey SET published_version_id = @version WHERE id = @journey", default, ("version", version), ("journey", journey));
        await EngineEpoch.BumpAsync(session, default);
    }, default);

    private static async Task<string> HistoryAsync(DeliveryFixture fixture) => string.Join('\n', await fixture.Database.ReadAsync(session => session.QueryAsync(
        "SELECT steps FROM history", row => row.Text(0), default), default));
}
