using MailFlow.Data;
using MailFlow.Testing;
using static MailFlow.Journeys.Tests.Flow;

namespace MailFlow.Journeys.Tests;

public class JourneyInstancesTests
{
    private const int Account = JourneyHost.Account;

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Instances_are_found_by_contact_state_and_activity(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        await host.PublishAsync("j", Of(new { exit_when = "event.event_type == 'stop'" }, Trigger("go"), Wait("P1D", "first"), ("second", "MailFlow.Wait", [("duration", "Handlebars", "{{contact.delay}}")]), Line("end")));
        await host.PublishAsync("other", Of(null, Trigger("go"), Wait("P9D")));
        foreach (var (user, delay) in new[] { ("done", "PT1S"), ("broken", "soon"), ("later", "P5D"), ("left", "P5D") }) await host.EventAsync("go", user, new { contact = new { delay } });
        await host.AdvanceAsync(TimeSpan.FromDays(1) + TimeSpan.FromMinutes(1));
        await host.EventAsync("stop", "left", new { });
        await host.EventAsync("go", "new", new { contact = new { delay = "P1D" } });
        await host.EventAsync("go", "done", new { }); // a second trip

        Assert.Equal(["new waiting first", "left exited ", "later waiting second", "broken faulted second", "done waiting first", "done completed "], await ListAsync(host));
        Assert.Equal(["new waiting first", "later waiting second", "done waiting first"], await ListAsync(host, state: "waiting"));
        Assert.Equal(["broken faulted second"], await ListAsync(host, state: "faulted"));
        Assert.Equal(["left exited "], await ListAsync(host, state: "exited"));
        Assert.Equal(["done completed "], await ListAsync(host, state: "completed"));
        Assert.Empty(await ListAsync(host, state: "cancelled"));
        Assert.Equal(["later waiting second", "broken faulted second"], await ListAsync(host, activity: "second"));
        Assert.Equal(["later waiting second"], await ListAsync(host, state: "waiting", activity: "second"));
        Assert.Empty(await ListAsync(host, state: "completed", activity: "second"));
        Assert.Equal(["done waiting first", "done completed "], await ListAsync(host, user: "done"));
        Assert.Equal(["done waiting first"], await ListAsync(host, user: "done", activity: "first"));
        Assert.Empty(await ListAsync(host, user: "nobody"));

        var instances = host.Get<JourneyInstances>();
        var broken = (await instances.ListAsync(Account, "j", null, "faulted", null, null, 10, default)).Items.Single();
        Assert.Equal(("Finished", "Faulted", "second", 1), (broken.Status, broken.SubStatus, broken.ActivityName, broken.Version));
        Assert.Contains("soon", broken.Incident, StringComparison.Ordinal);
        var later = (await instances.ListAsync(Account, "j", "later", null, null, null, 10, default)).Items.Single();
        Assert.Equal(TimeSpan.FromDays(5), later.DueAt - later.Since);
        Assert.Equal("state", (await Assert.ThrowsAsync<InvalidInputException>(() => ListAsync(host, state: "asleep"))).Field);
        await Assert.ThrowsAsync<NotFoundException>(() => instances.ListAsync(2, "j", null, null, null, null, 10, default));

        foreach (var size in new[] { 1, 2, 5 })
        {
            var paged = new List<Guid>();
            string? next = null;
            do
            {
                var page = await instances.ListAsync(Account, "j", null, null, null, next, size, default);
                Assert.True(page.Items.Count <= size);
                paged.AddRange(page.Items.Select(item => item.Id));
                next = page.Next;
            }
            while (next is not null);
            Assert.Equal((await instances.ListAsync(Account, "j", null, null, null, null, 100, default)).Items.Select(item => item.Id), paged);
        }
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_page_looks_at_a_bounded_number_of_contacts_and_goes_on_where_it_stopped(DatabaseKind kind)
    {
        await using var host = await JourneyHost.CreateAsync(kind);
        await host.PublishAsync("j", Of(null, Trigger("go"), ("which", "MailFlow.Wait", [("duration", "Handlebars", "{{contact.delay}}")]), Line("end"), Wait("P9D", "last")));
        await host.EventAsync("go", "early", new { contact = new { delay = "P9D" } });
        await host.Get<MailFlow.Engine.Storage.EventIntake>().AcceptAsync(Account, [.. Enumerable.Range(0, 4_500).Select(n =>
            new MailFlow.Engine.Storage.IncomingEvent($"n{n}", "go", $"user-{n}", host.Time.GetUtcNow(), """{"contact": {"delay": "PT1S"}}""", null))], default);
        await host.RunAsync();
        await host.AdvanceAsync(TimeSpan.FromSeconds(2));

        var instances = host.Get<JourneyInstances>();
        var first = await instances.ListAsync(Account, "j", null, null, "which", null, 10, default);
        Assert.Empty(first.Items);
        var second = await instances.ListAsync(Account, "j", null, null, "which", first.Next!, 10, default);
        Assert.Equal("early", second.Items.Single().UserId);
        Assert.Null(second.Next);
    }

    private static async Task<List<string>> ListAsync(JourneyHost host, string? user = null, string? state = null, string? activity = null) =>
        [.. (await host.Get<JourneyInstances>().ListAsync(Account, "j", user, state, activity, null, 100, default)).Items.Select(item => $"{item.UserId} {item.Outcome} {item.ActivityId}")];
}
