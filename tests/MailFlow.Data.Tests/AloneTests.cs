using MailFlow.Testing;

namespace MailFlow.Data.Tests;

/// <summary>What only one process on a PostgreSQL may do at a time.</summary>
public sealed class AloneTests
{
    // Seen red: nobody was told.
    [Fact]
    public async Task Who_comes_while_another_is_at_it_is_told_so_once_and_goes_on_after_it()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql);
        var (began, waits) = (new TaskCompletionSource(), new TaskCompletionSource());
        var (order, told) = (new List<string>(), 0);

        var first = test.Database.AloneAsync("start", async () =>
        {
            began.SetResult();
            await waits.Task.WaitAsync(TimeSpan.FromMinutes(1));
            order.Add("first");
            return true;
        }, default, () => told += 10);
        await began.Task;
        var elsewhere = await test.Database.AloneAsync("elsewhere", () => Task.FromResult(true), default, () => told += 100);
        await test.Database.AloneAsync("start", () => Task.FromResult(order.Count), default, () =>
        {
            told++;
            order.Add("second waits");
            waits.SetResult();
        });
        await first;

        Assert.True(elsewhere);
        Assert.Equal(1, told);
        Assert.Equal(["second waits", "first"], order);
    }

    // Seen red: the error of the unlock took the place of the work's.
    [Fact]
    public async Task Work_that_loses_the_connection_and_fails_says_why_it_failed()
    {
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql);

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => test.Database.AloneAsync<bool>("start", async () =>
        {
            await test.Database.WriteAsync(session => session.ExecuteAsync(
                $"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = {unchecked((uint)test.Database.LockNamespace)}", default), default);
            throw new InvalidOperationException("the disk is full");
        }, default));

        Assert.Equal("the disk is full", error.Message);
        Assert.Equal(1, await test.Database.AloneAsync("start", () => Task.FromResult(1), default));
    }
}
