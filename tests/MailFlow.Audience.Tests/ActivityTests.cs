using MailFlow.Audience.Activities;
using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Definitions;
using MailFlow.Testing;

namespace MailFlow.Audience.Tests;

public sealed class ActivityTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task EvaluateSegment_says_in_or_out_and_names_the_segment(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await audience.Segments.PutAsync(1, "buyers", "Buyers", "contact.plan == 'pro' && count_events('order', duration('7d')) > 0", default);
        var contacts = await audience.CreateAsync(1, "buyer", "former", "free");
        foreach (var contact in contacts) await audience.ApplyAsync(contact, contact.UserId == "free" ? """{"plan":"free"}""" : """{"plan":"pro"}""");
        await HappenedAsync(contacts[0], TimeSpan.FromDays(1));
        await HappenedAsync(contacts[1], TimeSpan.FromDays(8));
        await HappenedAsync(contacts[2], TimeSpan.Zero);

        var decisions = await audience.RunAsync(new EvaluateSegment(audience.Segments), new("buyers"), contacts);

        Assert.Equal(["In", "Out", "Out"], decisions.Select(decision => decision.Outcome));
        Assert.Equal(["in segment 'Buyers'", "not in segment 'Buyers'"], decisions.Select(decision => decision.Text).Distinct());

        Task HappenedAsync(Contact contact, TimeSpan ago) => audience.Database.WriteAsync(session => session.ExecuteAsync(
            "INSERT INTO event (account_id, contact_id, event_type, event_id, occurred_at, accepted_at, payload) VALUES (1, @contact, 'order', 'e', @at, @at, '{}')",
            default, ("contact", contact.Id), ("at", audience.Time.GetUtcNow() - ago)), default);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task EvaluateSegment_sees_what_the_event_at_hand_has_changed(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await audience.Segments.PutAsync(1, "pro", null, "contact.plan == 'pro'", default);
        var contacts = await audience.CreateAsync(1, "ada");

        Assert.Equal("Out", (await audience.RunAsync(new EvaluateSegment(audience.Segments), new("pro"), contacts))[0].Outcome);
        await audience.ApplyAsync(contacts[0], """{"plan":"pro"}""");
        Assert.Equal("In", (await audience.RunAsync(new EvaluateSegment(audience.Segments), new("pro"), contacts))[0].Outcome);
    }

    [Fact]
    public async Task EvaluateSegment_of_a_segment_that_is_not_there_is_an_incident()
    {
        await using var audience = await AudienceFixture.CreateAsync(DatabaseKind.Sqlite);
        var decisions = await audience.RunAsync(new EvaluateSegment(audience.Segments), new("none"), await audience.CreateAsync(1, "ada"));
        Assert.Equal(("Fault", "There is no segment 'none'."), (decisions[0].Kind, decisions[0].Text));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task CheckSuppression_says_why_in_plain_words_and_minds_the_stream(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contacts = await audience.CreateAsync(1, "free", "left", "nameless");
        await audience.ApplyAsync(contacts[0], """{"email":"free@example.org"}""");
        await audience.ApplyAsync(contacts[1], """{"email":"Left@example.org"}""");
        await audience.Suppressions.AddAsync(1, "left@example.org", "unsubscribed", "marketing", "api", default);

        var marketing = await audience.RunAsync(new CheckSuppression(audience.Suppressions), new(), contacts);
        var transactional = await audience.RunAsync(new CheckSuppression(audience.Suppressions), new(MessageStream.Transactional), contacts);

        Assert.Equal(["Clear", "Suppressed", "Clear"], marketing.Select(decision => decision.Outcome));
        Assert.Equal("suppressed for marketing after unsubscribing on 5 January 2026", marketing[1].Text);
        Assert.All(transactional, decision => Assert.Equal("Clear", decision.Outcome));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task CheckConsent_asks_for_its_purpose_or_for_the_journeys_own(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contacts = await audience.CreateAsync(1, "yes", "no", "unasked");
        await audience.ApplyAsync(contacts[0], """{"consents":{"news":true}}""");
        await audience.ApplyAsync(contacts[1], """{"consents":{"news":false,"offers":true}}""");
        var check = new CheckConsent(audience.Consents);

        Assert.Equal(["Granted", "Missing", "Missing"], Outcomes(await audience.RunAsync(check, new(), contacts, new JourneyRules(Purpose: "news"))));
        Assert.Equal(["Missing", "Granted", "Missing"], Outcomes(await audience.RunAsync(check, new("offers"), contacts, new JourneyRules(Purpose: "news"))));
        Assert.Equal(["Granted", "Granted", "Granted"], Outcomes(await audience.RunAsync(check, new(), contacts)));
        Assert.Equal("no consent to 'news'", (await audience.RunAsync(check, new("news"), contacts))[2].Text);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task CheckConsent_minds_that_marketing_was_refused_in_general(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contacts = await audience.CreateAsync(1, "silent", "refused", "later");
        await audience.ApplyAsync(contacts[1], """{"consents":{"marketing":false,"news":true}}""");
        await audience.ApplyAsync(contacts[2], """{"consents":{"marketing":false}}""");
        audience.Time.Advance(TimeSpan.FromHours(1));
        await audience.ApplyAsync(contacts[2], """{"consents":{"news":true}}""");
        var check = new CheckConsent(audience.Consents);

        var general = await audience.RunAsync(check, new(), contacts);
        Assert.Equal(["Granted", "Missing", "Missing"], Outcomes(general));
        Assert.Equal("the contact has refused marketing mail", general[1].Text);
        Assert.Equal(["Missing", "Missing", "Granted"], Outcomes(await audience.RunAsync(check, new("news"), contacts)));
        Assert.Equal(["Granted", "Granted", "Granted"], Outcomes(await audience.RunAsync(check, new(), contacts, new JourneyRules(Stream: MessageStream.Transactional))));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task UpdateContact_changes_every_contact_of_the_batch_and_the_next_step_sees_it(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        var contacts = await audience.CreateAsync(1, "ada", "bob");
        await audience.ApplyAsync(contacts[0], """{"tags":["new","x"],"gone":1}""");
        var input = new UpdateContact.Input(
            new Dictionary<string, object?> { ["plan"] = "pro", ["since"] = audience.Time.GetUtcNow(), ["gone"] = null }, AddTags: ["vip"], RemoveTags: ["new"]);

        var first = await audience.RunAsync(new UpdateContact(audience.Store, audience.Announced), input, contacts);
        var again = await audience.RunAsync(new UpdateContact(audience.Store, audience.Announced), input, contacts);

        Assert.All(first, decision => Assert.Equal(("Done", "set plan, since, gone; added tag vip; removed tag new"), (decision.Outcome, decision.Text)));
        Assert.All(again, decision => Assert.Equal("nothing to change", decision.Text));
        Assert.Equal(["ada", "bob"], audience.Announced.Users);
        foreach (var contact in contacts)
        {
            Assert.Equal("pro", contact.Text("plan"));
            Assert.Equal("2026-01-05T09:00:00+00:00", contact.Text("since"));
            Assert.Equal(contact.UserId == "ada" ? """["x","vip"]""" : """["vip"]""", JsonData.Write((await audience.ReloadAsync(contact)).Fields["tags"]));
            Assert.False((await audience.ReloadAsync(contact)).Fields.ContainsKey("gone"));
        }
    }

    [Fact]
    public async Task UpdateContact_refuses_what_no_contact_can_hold_for_that_step_alone()
    {
        await using var audience = await AudienceFixture.CreateAsync(DatabaseKind.PostgreSql);
        var contacts = await audience.CreateAsync(1, "ada");

        foreach (var input in new UpdateContact.Input[]
        {
            new(new Dictionary<string, object?> { ["plan"] = "a\0b" }),
            new(AddTags: [""]),
            new(AddTags: [.. Enumerable.Range(0, 201).Select(i => $"t{i}")]),
        })
            Assert.Equal("Fault", (await audience.RunAsync(new UpdateContact(audience.Store, audience.Announced), input, contacts))[0].Kind);

        Assert.Empty((await audience.ReloadAsync(contacts[0])).Text("plan") ?? "");
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_journey_that_names_a_segment_which_is_not_there_cannot_be_published(DatabaseKind kind)
    {
        await using var audience = await AudienceFixture.CreateAsync(kind);
        await audience.Segments.PutAsync(1, "vip", null, "true", default);
        var graph = new GraphBuilder(audience.Get<ActivityRegistry>()).Build(WorkflowDefinition.Parse("""
            {"definitionId":"d","name":"D","root":{"type":"Elsa.Flowchart","id":"root","activities":[
              {"type":"MailFlow.EvaluateSegment","id":"known","segment":{"typeName":"String","expression":{"type":"Literal","value":"vip"}}},
              {"type":"MailFlow.EvaluateSegment","id":"unknown","segment":{"typeName":"String","expression":{"type":"Literal","value":"vpi"}}}],
              "connections":[{"source":{"activity":"known","port":"In"},"target":{"activity":"unknown","port":"In"}}]}}
            """));
        var check = audience.Get<IPublishCheck>();

        var finding = Assert.Single(await audience.Database.ReadAsync(session => check.CheckAsync(session, 1, graph, default), default));
        var ofAnother = await audience.Database.ReadAsync(session => check.CheckAsync(session, 2, graph, default), default);

        Assert.Equal(("unknown", "segment", "There is no segment 'vpi'."), (finding.ActivityId, finding.Input, finding.Message));
        Assert.Equal(["known", "unknown"], ofAnother.Select(found => found.ActivityId));
    }

    [Fact]
    public async Task The_modules_activities_describe_themselves_to_the_designer()
    {
        await using var audience = await AudienceFixture.CreateAsync(DatabaseKind.Sqlite);
        var found = audience.Get<ActivityRegistry>().All.Where(descriptor => descriptor.Type.StartsWith("MailFlow.", StringComparison.Ordinal));
        Assert.Equal(
            [
                "MailFlow.CheckConsent(purpose) Granted, Missing", "MailFlow.CheckSuppression(stream) Clear, Suppressed",
                "MailFlow.EvaluateSegment(segment) In, Out", "MailFlow.UpdateContact(attributes, addTags, removeTags) Done",
            ],
            found.Select(one => $"{one.Type}({string.Join(", ", one.Inputs.Select(input => input.Name))}) {string.Join(", ", one.Outcomes)}"));
    }

    private static IEnumerable<string?> Outcomes(IReadOnlyList<Decision> decisions) => decisions.Select(decision => decision.Outcome);
}
