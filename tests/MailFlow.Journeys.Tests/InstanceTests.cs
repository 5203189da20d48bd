using MailFlow.Audience;
using MailFlow.Audience.Privacy;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;
using static MailFlow.Journeys.Tests.Flow;

namespace MailFlow.Journeys.Tests;

public class InstanceTests
{
    private const int Account = JourneyHost.Account;
    private const string Ada = "ada@example.org";

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_instance_started_by_hand_has_its_id_at_once_and_a_journal(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        await host.PublishAsync("j", Of(new { entry = "once" }, ("line", "Elsa.WriteLine", [("text", "Handlebars", "Hello {{input.name}}")]), Wait("P1D"), Line("bye", "line2")));
        var id = await host.Instances.StartAsync(Account, "j", "ada", new Dictionary<string, object?> { ["name"] = "Ada" }, default);
        Assert.Equal(("Running", "Pending", "j", "ada"), Standing(await host.Instances.FindAsync(Account, id, default)));
        await host.RunAsync();
        var waiting = (await host.Instances.FindAsync(Account, id, default))!;
        Assert.Equal(("Running", "Suspended", "j", "ada"), Standing(waiting));
        Assert.Equal(host.Time.GetUtcNow().AddDays(1), waiting.DueAt);
        Assert.Null(await host.Instances.FindAsync(2, id, default));

        await host.AdvanceAsync(TimeSpan.FromDays(1));
        var done = (await host.Instances.FindAsync(Account, id, default))!;
        Assert.Equal(("Finished", "Finished", "j", "ada"), Standing(done));
        Assert.Equal(
            [(null, "Entered", "started by hand or by another journey"), ("line", "Completed", "Hello Ada"), ("wait", "Suspended", "waits 1 day"), ("wait", "Completed", "waited 1 day"), ("line2", "Completed", "bye"), (null, "Finished", null)],
            done.Journal.Select(entry => (entry.ActivityId, entry.Event, entry.Text)));
        Assert.Equal("Elsa.WriteLine", done.Journal[1].ActivityType);

        await host.Instances.StartAsync(Account, "j", "ada", JsonData.Empty, default); // by hand, whatever the entry rule says
        await host.RunAsync();
        Assert.Equal(2, (await host.InstanceIdsAsync()).Count);
        await Assert.ThrowsAsync<NotFoundException>(() => host.Instances.StartAsync(Account, "nowhere", "ada", JsonData.Empty, default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_incident_is_retried_skipped_or_cancelled(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        await host.PublishAsync("j", Of(null, ("fail", "MailFlow.Wait", [("duration", "Handlebars", "{{contact.delay}}")]), Line("after")));
        var ids = new List<Guid>();
        foreach (var user in new[] { "ada", "bob", "eve" }) ids.Add(await host.Instances.StartAsync(Account, "j", user, JsonData.Empty, default));
        await host.RunAsync();
        Assert.Equal(("Finished", "Faulted", "j", "ada"), Standing(await host.Instances.FindAsync(Account, ids[0], default)));
        Assert.Equal("entered 3, waiting 0, completed 0, exited 0, faulted 3", await host.StatsAsync("j"));

        await host.Get<Contacts>().PutAsync(Account, "ada", new Dictionary<string, object?> { ["delay"] = "PT5S" }, default);
        await host.Instances.RetryAsync(Account, ids[0], default);
        await host.Instances.SkipAsync(Account, ids[1], null, default);
        await host.Instances.CancelAsync(Account, ids[2], "no longer wanted", default);
        await host.AdvanceAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(["Entered", "Faulted", "Retried", "Suspended", "Completed", "Completed", "Finished"], (await host.Instances.FindAsync(Account, ids[0], default))!.Journal.Select(entry => entry.Event));
        Assert.Equal("after", (await host.Instances.FindAsync(Account, ids[1], default))!.Journal[^2].Text);
        Assert.Equal(("Finished", "Cancelled", "j", "eve"), Standing(await host.Instances.FindAsync(Account, ids[2], default)));
        Assert.Equal("entered 3, waiting 0, completed 2, exited 1, faulted 0", await host.StatsAsync("j"));
        await Assert.ThrowsAsync<ConflictException>(() => host.Instances.RetryAsync(Account, ids[1], default));
        await Assert.ThrowsAsync<ConflictException>(() => host.Instances.CancelAsync(Account, ids[2], null, default));
        await Assert.ThrowsAsync<NotFoundException>(() => host.Instances.CancelAsync(2, ids[0], null, default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_copy_of_the_persons_data_holds_a_long_history_whole(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        await host.ContactAsync("ada");
        const int lines = 2_500;
        await host.Database.WriteAsync(session => session.ExecuteAsync("""
            INSERT INTO history (at, contact_id, version_id, instance_id, account_id, steps) SELECT r.at, c.id, 1, NULL, 1, r.steps FROM {rows} JOIN contact c ON c.user_id = 'ada'
            """, new Rows<int>([.. Enumerable.Range(0, lines)]).Long("at", i => i / 1_200).Text("steps", i => $$"""[[0,"C",null,"{{i}}"],[0,"C",null,"{{i}} too"]]"""), default), default);

        var told = (await host.Get<PrivacyRequests>().ExportAsync(Account, "ada", default)).Single(section => section.Name == "trace").Items;

        Assert.Equal(Enumerable.Range(0, lines).SelectMany(i => new[] { $"{i}", $"{i} too" }), told.Select(line => (string)line["reason"]!));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_trace_tells_every_decision_in_order_and_in_plain_words(DatabaseKind kind)
    {
        await using var host = await JourneyHost.WithSamplesAsync(kind, "welcome-series");
        await host.EventAsync("user_signed_up", "ada", new { contact = new { email = Ada } });
        await host.AdvanceAsync(TimeSpan.FromHours(1));
        await host.Get<Suppressions>().AddAsync(Account, Ada, "hard bounce", "all", "test", default);
        await host.AdvanceAsync(TimeSpan.FromDays(1));
        await host.EventAsync("user_signed_up", "ada", new { });

        var whole = await host.Trace.ReadAsync(Account, "ada", null, 1000, default);
        var told = whole.Items.Select(entry => entry.Reason).ToList();
        Assert.Equal("entered “Welcome series” by event user_signed_up", told[0]);
        Assert.Contains("mail “welcome” sent to ada@example.org", told);
        Assert.Contains("waits 1 day", told);
        Assert.Contains(told, reason => reason.StartsWith("mail “welcome-tips” not sent: suppressed after hard bounce", StringComparison.Ordinal));
        Assert.Equal("not entered: already entered on 5 January 2026, and this journey takes a contact once", told[^1]);
        Assert.Equal(whole.Items.Select(entry => entry.At).Order(), whole.Items.Select(entry => entry.At));
        Assert.All(whole.Items, entry => Assert.Equal(("welcome-series", "Welcome series"), (entry.Journey, entry.JourneyName)));

        Assert.Equal(["Welcome mail", "Tips mail"], whole.Items.Where(entry => entry.MessageId is not null).Select(entry => entry.ActivityName));

        // A copy of the person's data tells the same, and of nobody else.
        await host.EventAsync("user_signed_up", "bob", new { contact = new { email = "bob@example.org" } });
        var copy = (await host.Get<PrivacyRequests>().ExportAsync(Account, "ada", default)).Single(section => section.Name == "trace").Items;
        Assert.Equal(
            whole.Items.Where(entry => entry.MessageId is null).Select(entry => (entry.At, entry.InstanceId, entry.Journey, entry.ActivityName, entry.Reason)),
            copy.Select(line => ((DateTimeOffset)line["at"]!, (Guid?)line["trip"], (string?)line["journey"], (string?)line["activity"], (string)line["reason"]!)));

        // Page by page it is the same, whatever the size of a page.
        foreach (var size in new[] { 1, 2, 3 })
        {
            var paged = new List<TraceEntry>();
            string? next = null;
            do
            {
                var page = await host.Trace.ReadAsync(Account, "ada", next, size, default);
                paged.AddRange(page.Items);
                next = page.Next;
            }
            while (next is not null);
            Assert.Equal(whole.Items, paged);
        }
        await Assert.ThrowsAsync<NotFoundException>(() => host.Trace.ReadAsync(2, "ada", null, 10, default));
    }

    /// <summary>Seen red with mail in the order of its last change, which skips and repeats what moves on between two pages.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_pages_of_a_trace_tell_each_thing_once_though_its_mail_moves_on_meanwhile(DatabaseKind kind)
    {
        var stub = new StubProvider { Answer = email => email.Attempt % 3 == 0 ? StubAnswer.Accept : StubAnswer.Defer };
        await using var host = await JourneyHost.CreateAsync(kind, services => services.AddSingleton<IEmailProvider>(stub));
        await host.PutTemplateAsync("welcome", """{"subject":"Welcome","html":"<p>Hello</p>"}""");
        await host.PublishAsync("j", Of(null, Trigger("go"), Mail("welcome"), Mail("welcome", "mail2"), Line("done")));
        for (var i = 0; i < 20; i++)
        {
            await host.EventAsync("go", "ada", new { contact = new { email = Ada } });
            if (i % 4 == 0) host.Time.Advance(TimeSpan.FromSeconds(20)); // most stand at one instant with others
        }

        var seen = new List<TraceEntry>();
        string? next = null;
        do
        {
            var page = await host.Trace.ReadAsync(Account, "ada", next, 7, default);
            Assert.Equal(page.Next is null, page.Items.Count < 7);
            seen.AddRange(page.Items);
            next = page.Next;
            host.Time.Advance(TimeSpan.FromSeconds(30));
            await host.RunAsync();
        }
        while (next is not null);

        await host.AdvanceAsync(TimeSpan.FromDays(1));
        var whole = (await host.Trace.ReadAsync(Account, "ada", null, 1000, default)).Items;
        Assert.Equal(120, stub.Calls);
        Assert.Equal(40, seen.Count(entry => entry.MessageId is not null));
        Assert.True(seen.Select(entry => entry.Reason).Distinct().Count() > 5); // mail in several states was met on the way
        Assert.Equal(whole.Select(Lasting), seen.Select(Lasting));
        Assert.Equal(whole.Select(entry => entry.At).Order(), whole.Select(entry => entry.At));

        static object Lasting(TraceEntry entry) => entry.MessageId is null ? entry : (entry.At, entry.MessageId);
    }

    /// <summary>Seen red without the gate.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_exit_condition_is_asked_once_more_before_each_send(DatabaseKind kind)
    {
        await using var host = await JourneyHost.WithSamplesAsync(kind);
        await host.PublishAsync("j", Of(new { exit_when = "contact.plan == 'pro' || count_events('order_placed', duration('30d')) > 1" }, Trigger("go"), Wait("P1D"), Mail("welcome"), Wait("P1D", "wait2"), Mail("welcome", "mail2")));
        await host.EventAsync("go", "ada", new { contact = new { email = Ada } });
        await host.EventAsync("go", "bob", new { contact = new { email = "bob@example.org" } });
        // Changed by the application, without an event.
        await host.Get<Contacts>().PutAsync(Account, "ada", new Dictionary<string, object?> { ["plan"] = "pro" }, default);
        await host.AdvanceAsync(TimeSpan.FromDays(5));
        Assert.Empty(await host.SentAsync(Ada));
        Assert.Equal(["welcome", "welcome"], await host.SentAsync("bob@example.org"));
        Assert.Equal("entered 2, waiting 0, completed 1, exited 1, faulted 0", await host.StatsAsync("j"));
        var message = Assert.Single((await host.Get<Messages>().ListAsync(Account, "ada", null, null, null, 10, default)).Items);
        Assert.Contains("the exit condition of “Test journey” is met", message.Reason);
    }

    private static (string, string, string?, string) Standing(InstanceDetails? instance) => (instance!.Status, instance.SubStatus, instance.DefinitionId, instance.UserId);

    /// <summary>Seen red with the kind as a parameter.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_instance_just_asked_for_is_found_by_an_index(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        var plan = await host.Database.WriteAsync(async session =>
        {
            if (session.Dialect.IsPostgreSql) await session.ExecuteAsync("SET LOCAL enable_seqscan = off", default);
            return await session.QueryAsync((session.Dialect.IsPostgreSql ? "EXPLAIN " : "EXPLAIN QUERY PLAN ") + Instances.PendingSql,
                row => row.Text(session.Dialect.IsPostgreSql ? 0 : 3), default, ("id", Guid.Empty), ("account", 1));
        }, default);
        Assert.Contains(plan, line => line.Contains("inbox_start", StringComparison.Ordinal));
    }
}
