using MailFlow.Data;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Engine.Tests.Execution;

/// <summary>Work after the commit: tried again with back-off under one key, answered as an outcome.</summary>
public sealed class JobTests
{
    internal sealed class Calls
    {
        public List<(Guid Key, int Attempt, string Word)> Made { get; } = [];

        public Func<Job, JobResult> Answer { get; set; } = _ => JobResult.Complete();

        public TimeSpan? Deadline { get; set; }

        /// <summary>What an attempt waits for before it answers.</summary>
        public Func<CancellationToken, Task> Hold { get; set; } = _ => Task.CompletedTask;
    }

    private static readonly string[] Types = ["Tests.Call"];

    [Activity("Tests.Call", Outcomes = ["Done", "Failed"])]
    internal sealed class Call(Calls calls) : JobActivity<Call.Input>
    {
        public sealed record Input(string Word = "hello");

        protected override JobRetry Retry => new(Attempts: 3, First: TimeSpan.FromSeconds(10), Deadline: calls.Deadline);

        protected override async Task<JobResult> RunAsync(Input input, Job job, CancellationToken ct)
        {
            lock (calls.Made) calls.Made.Add((job.Key, job.Attempt, input.Word));
            await calls.Hold(ct);
            return calls.Answer(job);
        }
    }

    /// <summary>At a point, by default between a call and the keeping of its result, something happens, once.</summary>
    private sealed class Once(Action act, string at = "job.after-call") : IFaultPoints
    {
        private Action? _act = act;

        public void Reach(string name)
        {
            if (name == at) Interlocked.Exchange(ref _act, null)?.Invoke();
        }
    }

    private static async Task<(EngineHost Host, Calls Calls)> NewAsync(DatabaseKind kind, IFaultPoints? faults = null)
    {
        var calls = new Calls();
        var host = await EngineHost.CreateAsync(kind, services => services.AddSingleton(calls).AddSingleton(faults ?? FaultPoints.None).AddActivity<Call>());
        await host.PublishAsync(Flows.Of("on:s:go Tests.Call:c say:ok say:failed", "s --> c", "c -Done-> ok", "c -Failed-> failed"));
        return (host, calls);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_job_is_tried_again_under_the_same_key_until_it_is_done(DatabaseKind kind)
    {
        var (host, calls) = await NewAsync(kind);
        await using var _ = host;
        calls.Answer = job => job.Attempt < 3 ? throw new HttpRequestException("refused") : JobResult.Complete();

        await host.EventAsync("go");
        await host.RunAsync();
        Assert.Single(calls.Made);
        await host.AdvanceAsync(TimeSpan.FromMinutes(5));

        Assert.Equal(["ok"], await host.LinesAsync());
        Assert.Equal([1, 2, 3], calls.Made.Select(call => call.Attempt));
        Assert.Single(calls.Made.Select(call => call.Key).Distinct());
        Assert.Equal(0, await host.Read(s => s.ScalarAsync<long>("SELECT count(*) FROM job", default)));
    }

    // Seen red: whoever's jobs came first had all places, until they were done.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Accounts_have_equal_shares_of_the_places_and_none_is_left_empty(DatabaseKind kind)
    {
        var (host, _) = await NewAsync(kind);
        await using var disposed = host;
        await JobsAsync(account: 1, count: 200, dueAt: 1);
        await JobsAsync(account: 2, count: 3, dueAt: 500);
        await JobsAsync(account: 3, count: 200, dueAt: 400);

        Assert.Equal([(1, 15), (2, 3), (3, 14)], await ClaimAsync(after: int.MinValue));
        Assert.Equal([(1, 16), (3, 16)], await ClaimAsync(after: 3));
        Assert.Equal([(3, 1)], await ClaimAsync(after: 1, most: 1));
        Assert.Equal([(1, 1)], await ClaimAsync(after: 3, most: 1));

        Task JobsAsync(int account, int count, long dueAt) => host.Database.WriteAsync(session => JobStore.InsertAsync(session, [.. Enumerable.Range(0, count).Select(i => new JobRow(
            Guid.CreateVersion7(host.Time.GetUtcNow()), account, 1, 1, "ada", Guid.CreateVersion7(host.Time.GetUtcNow()), 0, 1, "Tests.Call", "{}", 0, dueAt + i))], default), default);

        Task<List<(int, int)>> ClaimAsync(int after, int most = 32) => host.Database.WriteAsync(async session =>
            (await JobStore.ClaimAsync(session, 10_000, 20_000, most, after, Types, default)).Jobs.GroupBy(job => job.AccountId).OrderBy(group => group.Key).Select(group => (group.Key, group.Count())).ToList(), default);
    }

    [Fact]
    public async Task When_its_attempts_are_used_up_a_job_leaves_through_Failed()
    {
        var (host, calls) = await NewAsync(DatabaseKind.Sqlite);
        await using var _ = host;
        calls.Answer = _ => JobResult.Retry("503");

        await host.EventAsync("go");
        await host.AdvanceAsync(TimeSpan.FromHours(1));

        Assert.Contains("failed", await host.LinesAsync());
        Assert.Equal(3, calls.Made.Count);
    }

    // Seen red: a call's own time-out was taken for the server's stop, which hands the job back, due at once, however often.
    [Fact]
    public async Task A_call_that_cancels_itself_is_a_failed_attempt()
    {
        var (host, calls) = await NewAsync(DatabaseKind.Sqlite);
        await using var _ = host;
        calls.Answer = _ => throw new TaskCanceledException();

        await host.EventAsync("go");
        await host.AdvanceAsync(TimeSpan.FromHours(1));

        Assert.Equal("failed", (await host.LinesAsync())[^1]);
        Assert.Equal([1, 2, 3], calls.Made.Select(call => call.Attempt));
    }

    // Seen red: the stop threw the answer away, and the call was made again.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_answer_that_is_there_is_kept_whatever_is_stopped_meanwhile(DatabaseKind kind)
    {
        using var stop = new CancellationTokenSource();
        var (host, calls) = await NewAsync(kind, new Once(stop.Cancel));
        await using var _ = host;
        await host.EventAsync("go");
        await host.Worker.RunUntilIdleAsync(default);

        await host.Jobs.RunOnceAsync(stop.Token);
        await host.AdvanceAsync(TimeSpan.FromMinutes(5));

        Assert.Equal(["ok"], await host.LinesAsync());
        Assert.Single(calls.Made);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_job_that_a_stop_cut_off_is_done_by_the_next_process_at_once(DatabaseKind kind)
    {
        var (host, calls) = await NewAsync(kind);
        await using var _ = host;
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        calls.Hold = ct =>
        {
            begun.TrySetResult();
            return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
        };
        await host.EventAsync("go");
        await host.Workers[0].RunUntilIdleAsync(default);
        await host.Jobs.StartAsync(default);
        await begun.Task;

        await host.Jobs.StopAsync(default);
        calls.Hold = _ => Task.CompletedTask;
        await host.RunAsync(); // no time has passed

        Assert.Equal(["ok"], await host.LinesAsync());
        Assert.Equal([1, 2], calls.Made.Select(call => call.Attempt));
    }

    // Seen red: it was begun.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_job_that_is_taken_up_as_the_process_stops_is_not_begun_and_the_next_process_does_it_at_once(DatabaseKind kind)
    {
        EngineHost? host = null;
        var stopping = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        var (made, calls) = await NewAsync(kind, new Once(() => stopping.SetResult(host!.Jobs.StopAsync(default)), "job.claimed"));
        await using var _ = host = made;
        await host.EventAsync("go");
        await host.Worker.RunUntilIdleAsync(default);

        await host.Jobs.StartAsync(default);
        await await stopping.Task;
        Assert.Empty(calls.Made);
        await host.RunAsync(); // no time has passed

        Assert.Equal(["ok"], await host.LinesAsync());
        Assert.Single(calls.Made);
    }

    // Seen red: both made the call.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_process_that_was_frozen_after_it_took_a_job_up_does_not_make_a_call_that_is_anothers_by_now(DatabaseKind kind)
    {
        EngineHost? host = null;
        var (made, calls) = await NewAsync(kind, new Once(() =>
        {
            host!.Time.Advance(TimeSpan.FromMinutes(5));
            host.Jobs.RunOnceAsync(default).GetAwaiter().GetResult(); // the other
        }, "job.claimed"));
        await using var _ = host = made;
        await host.EventAsync("go");
        await host.Worker.RunUntilIdleAsync(default);

        await host.Jobs.RunOnceAsync(default);
        await host.RunAsync();

        Assert.Equal(["ok"], await host.LinesAsync());
        Assert.Equal([2], calls.Made.Select(call => call.Attempt));
    }

    // Seen red: it made the call.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_process_that_was_frozen_for_less_than_its_lease_hands_back_what_it_could_not_finish_within_it(DatabaseKind kind)
    {
        EngineHost? host = null;
        var (made, calls) = await NewAsync(kind, new Once(() => host!.Time.Advance(TimeSpan.FromMinutes(1)), "job.claimed"));
        await using var _ = host = made;
        await host.EventAsync("go");
        await host.Worker.RunUntilIdleAsync(default);

        await host.Jobs.RunOnceAsync(default);
        Assert.Empty(calls.Made);
        await host.RunAsync(); // no time has passed

        Assert.Equal(["ok"], await host.LinesAsync());
        Assert.Equal([2], calls.Made.Select(call => call.Attempt));
    }

    [Fact]
    public async Task A_job_whose_process_died_is_tried_again_when_its_lease_runs_out()
    {
        var (host, _) = await NewAsync(DatabaseKind.Sqlite, new Once(() => throw new OperationCanceledException("The process died.")));
        await using var _ = host;

        await host.EventAsync("go");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(host.RunAsync);
        await host.AdvanceAsync(TimeSpan.FromMinutes(5));

        Assert.Equal(["ok"], await host.LinesAsync());
    }

    [Fact]
    public async Task The_result_of_a_job_whose_instance_was_cancelled_is_dropped()
    {
        var (host, calls) = await NewAsync(DatabaseKind.Sqlite);
        await using var _ = host;
        await host.EventAsync("go");
        await host.Worker.RunUntilIdleAsync(default);
        await host.CommandAsync(InboxKind.Cancel, "ada", (await host.InstancesAsync())[0]);
        await host.Worker.RunUntilIdleAsync(default);

        await host.RunAsync();

        Assert.Empty(await host.LinesAsync());
        Assert.Empty(calls.Made); // and it was not even begun: the jobs of an ended instance are dropped
        Assert.Equal([InstanceStatus.Cancelled], await host.StatusesAsync());
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task While_a_journey_is_paused_its_jobs_wait(DatabaseKind kind)
    {
        var (host, calls) = await NewAsync(kind);
        await using var _ = host;
        await host.EventAsync("go");
        await host.Worker.RunUntilIdleAsync(default);

        await host.PauseAsync(true);
        await host.RunAsync();
        Assert.Empty(calls.Made);

        await host.PauseAsync(false);
        await host.RunAsync();
        Assert.Equal(["ok"], await host.LinesAsync());
    }

    /// <summary>Seen red with a runner that waited for all it had claimed before it claimed more.</summary>
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_slow_job_holds_up_one_place_and_not_the_others(DatabaseKind kind)
    {
        var slow = new TaskCompletionSource<JobResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var allOthers = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var (host, calls) = await NewAsync(kind);
        await using var _ = host;
        var others = 100;
        calls.Answer = job =>
        {
            if (job.UserId == "u0") return slow.Task.GetAwaiter().GetResult();
            if (Interlocked.Decrement(ref others) == 0) allOthers.SetResult();
            return JobResult.Complete();
        };
        await host.EventsAsync([.. Enumerable.Range(0, 101).Select(i => host.NewEvent("go", $"u{i}"))]);
        await host.Worker.RunUntilIdleAsync(default);

        await host.Jobs.StartAsync(default);
        await allOthers.Task.WaitAsync(TimeSpan.FromMinutes(1));
        slow.SetResult(JobResult.Complete());
        await host.Jobs.StopAsync(default);
        await host.AdvanceAsync(TimeSpan.FromMinutes(5)); // what the stop cut short is tried again

        Assert.Equal(101, (await host.LinesAsync()).Count(line => line == "ok"));
    }

    // Seen red: every claim looked at them again.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Jobs_of_a_paused_journey_are_put_aside_where_they_are_met_and_are_all_done_once_it_goes_on(DatabaseKind kind)
    {
        var (host, calls) = await NewAsync(kind);
        await using var _ = host;
        await host.EventsAsync([.. Enumerable.Range(0, 50).Select(i => host.NewEvent("go", $"u{i}"))]);
        await host.Worker.RunUntilIdleAsync(default);
        await host.PauseAsync(true);

        Assert.Equal(50, await DueAsync(host));
        Assert.Equal(0, await host.Jobs.RunOnceAsync(default));
        Assert.Equal(0, await DueAsync(host));
        await host.PauseAsync(false);
        await host.PauseAsync(true); // before anybody looked
        Assert.Equal(0, await host.Jobs.RunOnceAsync(default));
        Assert.Empty(calls.Made);

        await host.PauseAsync(false);
        await host.RunAsync(); // no time has passed
        Assert.Equal(50, calls.Made.Select(call => call.Key).Distinct().Count());
        Assert.All(calls.Made, call => Assert.Equal(1, call.Attempt));
        Assert.Equal(50, (await host.LinesAsync()).Count(line => line == "ok"));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task However_many_are_put_aside_or_come_back_a_claim_moves_a_chunk_of_them_and_others_behind_them_are_found(DatabaseKind kind)
    {
        var (host, calls) = await NewAsync(kind);
        await using var _ = host;
        await host.EventAsync("go");
        await host.Worker.RunUntilIdleAsync(default);
        var paused = (await host.InstancesAsync())[0];
        const int many = 2 * JobStore.Chunk + 500;
        await JobsAsync(account: 1, many, dueAt: 1, paused);
        await JobsAsync(account: 1, 3, dueAt: many, StableHash.Key("another journey's"));
        await JobsAsync(account: 2, 1, dueAt: many, StableHash.Key("another account's"));
        await host.PauseAsync(true);

        var parked = new List<int>();
        var taken = new List<int>();
        do
        {
            var (jobs, aside) = await ClaimAsync();
            parked.Add(aside);
            taken.AddRange(jobs.Select(job => job.AccountId));
        }
        while (parked[^1] > 0);
        Assert.Equal(many, parked.Sum());
        Assert.All(parked, count => Assert.InRange(count, 0, JobStore.Chunk + 32));
        Assert.Equal([2, 1, 1, 1], taken); // the other account's at once

        await host.PauseAsync(false);
        Assert.Equal(32, (await ClaimAsync()).Jobs.Count);
        Assert.Equal(many - JobStore.Chunk, await ParkedAsync());
        Assert.Equal(32, (await ClaimAsync()).Jobs.Count);
        Assert.Equal(many - 2 * JobStore.Chunk, await ParkedAsync());

        Task JobsAsync(int account, int count, long dueAt, Guid instance) => host.Database.WriteAsync(session => JobStore.InsertAsync(session, [.. Enumerable.Range(0, count).Select(i => new JobRow(
            StableHash.Key($"{account} {dueAt} {i}"), account, 1, 1, "ada", instance, 0, 1, "Tests.Call", "{}", 0, dueAt + i))], default), default);

        Task<(List<JobRow> Jobs, int Parked)> ClaimAsync() => host.Database.WriteAsync(session => JobStore.ClaimAsync(session, 10_000, 20_000, 32, int.MinValue, Types, default), default);

        Task<long> ParkedAsync() => host.Read(session => session.ScalarAsync<long>("SELECT count(*) FROM job WHERE parked_journey IS NOT NULL", default));
    }

    // Seen red: each draw of a node that does not know the activity cost an attempt and hid the job from those that do.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_job_of_an_activity_that_this_node_does_not_know_is_left_to_those_that_do(DatabaseKind kind)
    {
        var (host, calls) = await NewAsync(kind);
        await using var _ = host;
        await host.EventAsync("go");
        await host.Worker.RunUntilIdleAsync(default);
        await host.Write(session => session.ExecuteAsync("UPDATE job SET activity_type = 'Tests.Newer'", default));

        Assert.Equal(0, await host.Jobs.RunOnceAsync(default));

        await host.Write(session => session.ExecuteAsync("UPDATE job SET activity_type = 'Tests.Call'", default));
        await host.RunAsync();
        Assert.Equal(["ok"], await host.LinesAsync());
        Assert.Equal([1], calls.Made.Select(call => call.Attempt));
    }

    // Seen red: those accounts had all turns, took nothing, and had them again.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Accounts_that_have_only_jobs_which_this_node_does_not_know_take_nobodys_turn(DatabaseKind kind)
    {
        await using var host = await EngineHost.CreateAsync(kind);
        await host.Database.WriteAsync(session => JobStore.InsertAsync(session, [.. Enumerable.Range(1, 40).Select(account => new JobRow(
            StableHash.Key($"{account}"), account, 1, 1, "ada", StableHash.Key("instance"), 0, 1, account < 40 ? "Tests.Newer" : "Tests.Call", "{}", 0, 0))], default), default);

        var claimed = await host.Database.WriteAsync(session => JobStore.ClaimAsync(session, 10_000, 20_000, 32, int.MinValue, Types, default), default);

        Assert.Equal([40], claimed.Jobs.Select(job => job.AccountId));
    }

    // Seen red: another attempt took it over after two and a half minutes, and dropped its result.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_attempt_that_may_take_long_is_hidden_from_others_for_as_long(DatabaseKind kind)
    {
        var (host, calls) = await NewAsync(kind);
        await using var _ = host;
        calls.Deadline = TimeSpan.FromMinutes(10);
        var (called, answered) = (new TaskCompletionSource(), new TaskCompletionSource());
        calls.Hold = async ct => { if (called.TrySetResult()) await answered.Task.WaitAsync(ct); };
        await host.EventAsync("go");
        await host.Worker.RunUntilIdleAsync(default);

        var running = host.Jobs.RunOnceAsync(default);
        await called.Task;
        host.Time.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal(0, await host.Jobs.RunOnceAsync(default));
        answered.SetResult();
        await running;
        await host.RunAsync();

        Assert.Equal(["ok"], await host.LinesAsync());
        Assert.Single(calls.Made);
    }

    // Of PostgreSQL: on SQLite the one waits for the other.
    [Fact]
    public async Task What_a_claim_puts_aside_that_commits_after_the_resume_comes_back_all_the_same()
    {
        var (host, calls) = await NewAsync(DatabaseKind.PostgreSql);
        await using var _ = host;
        await host.EventAsync("go");
        await host.Worker.RunUntilIdleAsync(default);
        await host.PauseAsync(true);
        var claimed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var resumed = Task.Run(async () =>
        {
            await claimed.Task;
            await host.PauseAsync(false);
            return await host.Jobs.RunOnceAsync(default);
        });

        await host.Write(async session =>
        {
            var now = await session.NowAsync(default);
            Assert.Equal(1, (await JobStore.ClaimAsync(session, now, now + 1_000, 32, int.MinValue, Types, default)).Parked);
            claimed.SetResult();
            Assert.Equal(0, await resumed);
        });
        await host.RunAsync();

        Assert.Equal(["ok"], await host.LinesAsync());
        Assert.Single(calls.Made);
    }

    private static Task<long> DueAsync(EngineHost host) => host.Read(async session => (await EngineBacklog.ReadAsync(session, default)).Jobs);
}
