using MailFlow.Testing;

namespace MailFlow.Data.Tests;

/// <summary>What both databases promise alike.</summary>
public sealed class SessionTests
{
    private sealed record Item(Guid Id, long Number, string? Text, string Json, byte[]? Bytes, bool Flag, long? Maybe);

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Every_type_of_value_comes_back_as_it_was_put(DatabaseKind kind)
    {
        await using var test = await NewAsync(kind);
        var items = new[]
        {
            new Item(StableHash.Key("a"), long.MaxValue, "Grüße 🎉 'quoted'", """{"a":[1,2.5,"x",null,true]}""", [0, 255], true, null),
            new Item(StableHash.Key("b"), long.MinValue, null, "{}", null, false, 7),
        };

        await test.Database.WriteAsync(session => InsertAsync(session, items), default);
        var found = await test.Database.ReadAsync(session => session.QueryAsync(
            "SELECT id, number, text, json, bytes, flag, maybe FROM item ORDER BY number DESC",
            row => new Item(row.Uuid(0), row.Long(1), row.TextOrNull(2), JsonData.Write(row.Json(3)), row.BytesOrNull(4), row.Bool(5), row.LongOrNull(6)), default), default);

        Assert.Equal(items.Select(Describe), found.Select(Describe));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_duplicate_in_a_set_of_rows_is_passed_over_and_not_counted(DatabaseKind kind)
    {
        await using var test = await NewAsync(kind);
        var a = new Item(StableHash.Key("a"), 1, "first", "{}", null, false, null);
        var b = new Item(StableHash.Key("b"), 2, "second", "{}", null, false, null);

        await test.Database.WriteAsync(session => InsertAsync(session, [a]), default);
        var inserted = await test.Database.WriteAsync(session => InsertAsync(session, [a with { Text = "again" }, b]), default);

        Assert.Equal(1, inserted);
        Assert.Equal("first", await test.Database.ReadAsync(s => s.ScalarAsync<string>("SELECT text FROM item WHERE number = 1", default), default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_set_of_rows_updates_and_is_joined_in_one_statement(DatabaseKind kind)
    {
        await using var test = await NewAsync(kind);
        var items = Enumerable.Range(0, 100).Select(i => new Item(StableHash.Key(i.ToString()), i, null, "{}", null, false, null)).ToList();
        await test.Database.WriteAsync(session => InsertAsync(session, items), default);

        var some = items.Where(item => item.Number % 3 == 0).ToList();
        var changed = await test.Database.WriteAsync(session => session.ExecuteAsync(
            "UPDATE item SET maybe = r.maybe FROM {rows} WHERE item.id = r.id AND item.number < @limit",
            new Rows<Item>(some).Uuid("id", i => i.Id).LongOrNull("maybe", i => i.Number * 2), default, ("limit", 50L)), default);
        var found = await test.Database.ReadAsync(session => session.QueryAsync(
            "SELECT item.number, item.maybe FROM {rows} JOIN item ON item.id = r.id",
            new Rows<Item>(some).Uuid("id", i => i.Id), row => (row.Long(0), row.LongOrNull(1)), default), default);

        Assert.Equal(17, changed);
        Assert.Equal(some.Count, found.Count);
        Assert.All(found, pair => Assert.Equal(pair.Item1 < 50 ? pair.Item1 * 2 : null, pair.Item2));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_exception_inside_a_write_leaves_nothing_behind_and_the_next_write_works(DatabaseKind kind)
    {
        await using var test = await NewAsync(kind);
        var item = new Item(StableHash.Key("a"), 1, null, "{}", null, false, null);

        await Assert.ThrowsAsync<InvalidOperationException>(() => test.Database.WriteAsync(async session =>
        {
            await InsertAsync(session, [item]);
            throw new InvalidOperationException("half-way");
        }, default));
        await test.Database.WriteAsync(session => InsertAsync(session, [item with { Number = 2 }]), default);

        Assert.Equal(2, await test.Database.ReadAsync(s => s.ScalarAsync<long>("SELECT sum(number) FROM item", default), default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_write_inside_a_write_is_refused(DatabaseKind kind)
    {
        await using var test = await NewAsync(kind);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            test.Database.WriteAsync(_ => test.Database.WriteAsync(s => s.ExecuteAsync("DELETE FROM item", default), default), default));
        Assert.Contains("inside a write", error.Message);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_violated_key_is_told_from_a_transient_failure(DatabaseKind kind)
    {
        await using var test = await NewAsync(kind);
        var error = await Assert.ThrowsAnyAsync<Exception>(() => test.Database.WriteAsync(async session =>
        {
            await session.ExecuteAsync("INSERT INTO item (id, number, json, flag) VALUES (@id, 1, '{}', @flag)", default, ("id", StableHash.Key("a")), ("flag", true));
            await session.ExecuteAsync("INSERT INTO item (id, number, json, flag) VALUES (@id, 2, '{}', @flag)", default, ("id", StableHash.Key("a")), ("flag", true));
        }, default));

        Assert.True(test.Database.Dialect.IsDuplicate(error));
        Assert.False(test.Database.Dialect.IsTransient(error));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_patch_replaces_members_and_a_null_removes_one_level_deep(DatabaseKind kind)
    {
        await using var test = await NewAsync(kind);
        await test.Database.WriteAsync(session => InsertAsync(session, [new Item(StableHash.Key("a"), 1, null, """{"a":1,"b":{"x":1,"y":2},"c":"keep"}""", null, false, null)]), default);

        await test.Database.WriteAsync(session => session.ExecuteAsync(
            "UPDATE item SET json = json_patch_members(json, @patch)", default, ("patch", new JsonText("""{"a":null,"b":{"x":null},"d":[1]}"""))), default);

        var json = await test.Database.ReadAsync(s => s.FirstAsync("SELECT json FROM item", row => (IReadOnlyDictionary<string, object?>)row.Json(0)!, default), default);
        Assert.Equal(["b", "c", "d"], json!.Keys.Order());
        Assert.Equal("""{"x":null}""", JsonData.Write(json["b"]));
    }

    [Fact]
    public async Task A_shard_of_PostgreSQL_is_locked_for_one_transaction_at_a_time()
    {
        await using var test = await NewAsync(DatabaseKind.PostgreSql);
        var held = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        var holder = test.Database.WriteAsync(async session =>
        {
            Assert.True(await session.LockShardAsync(5, wait: false, default));
            held.SetResult();
            await release.Task;
        }, default);
        await held.Task;

        var (same, other) = await test.Database.WriteAsync(async second =>
            (await second.LockShardAsync(5, wait: false, default), await second.LockShardAsync(6, wait: false, default)), default);
        release.SetResult();
        await holder;

        Assert.False(same);
        Assert.True(other);
        Assert.True(await test.Database.WriteAsync(session => session.LockShardAsync(5, wait: false, default), default));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task What_is_enqueued_runs_in_order_before_what_comes_next_and_before_the_commit(DatabaseKind kind)
    {
        await using var test = await NewAsync(kind);

        await test.Database.WriteAsync(async session =>
        {
            await EnqueueAsync(session, 1);
            var one = await session.EnqueueAsync("SELECT count(*) FROM item", row => row.Long(0), default);
            await EnqueueAsync(session, 2);
            var some = await session.EnqueueAsync("SELECT item.number FROM {rows} JOIN item ON item.number = r.number", new Rows<long>([1, 2, 3]).Long("number", n => n), row => row.Long(0), default);
            Assert.Equal(2, await session.ExecuteAsync("UPDATE item SET maybe = 7", default));
            Assert.Equal([1], one.Rows);
            Assert.Equal([1, 2], some.Rows.Order());

            await EnqueueAsync(session, 3);
            Assert.Equal(3, await session.ScalarAsync<long>("SELECT count(*) FROM item", default));
            await EnqueueAsync(session, 4);
        }, default);

        Assert.Equal([1, 2, 3, 4], await NumbersAsync(test));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_a_transaction_in_which_an_enqueued_statement_fails_nothing_is_kept(DatabaseKind kind)
    {
        await using var test = await NewAsync(kind);

        var error = await Assert.ThrowsAnyAsync<Exception>(() => test.Database.WriteAsync(async session =>
        {
            await EnqueueAsync(session, 1);
            await EnqueueAsync(session, 1);
            await EnqueueAsync(session, 2);
        }, default));

        Assert.True(test.Database.Dialect.IsDuplicate(error));
        Assert.Empty(await NumbersAsync(test));
    }

    [Fact]
    public async Task The_answer_to_an_enqueued_query_is_not_there_before_it_has_run()
    {
        await using var test = await NewAsync(DatabaseKind.PostgreSql);
        await test.Database.WriteAsync(async session =>
        {
            var none = await session.EnqueueAsync("SELECT number FROM item", row => row.Long(0), default);
            Assert.Throws<InvalidOperationException>(() => none.Rows);
            await session.SendAsync(default);
            Assert.Empty(none.Rows);
        }, default);
    }

    [Fact]
    public async Task Nothing_is_enqueued_outside_a_transaction()
    {
        await using var test = await NewAsync(DatabaseKind.PostgreSql);
        await Assert.ThrowsAsync<InvalidOperationException>(() => test.Database.ReadAsync(session => session.EnqueueAsync("SELECT number FROM item", row => row.Long(0), default), default));
    }

    [Fact]
    public async Task Scans_are_avoided_until_the_transaction_ends_or_for_one_statement()
    {
        const string setting = "SELECT current_setting('enable_seqscan')";
        await using var test = await NewAsync(DatabaseKind.PostgreSql);

        await test.Database.WriteAsync(async session =>
        {
            session.AvoidScans();
            Assert.Equal("off", await session.ScalarAsync<string>(setting, default));
            Assert.Equal("off", await session.ScalarAsync<string>(setting, default));
        }, default);
        await test.Database.ReadAsync(async session =>
        {
            Assert.Equal("on", await session.ScalarAsync<string>(setting, default));
            session.AvoidScans();
            Assert.Equal("off", await session.ScalarAsync<string>(setting, default));
            Assert.Equal("on", await session.ScalarAsync<string>(setting, default));
            return 0;
        }, default);
    }

    [Fact]
    public async Task What_follows_a_lock_in_the_same_round_trip_reads_from_after_the_lock()
    {
        await using var test = await NewAsync(DatabaseKind.PostgreSql);
        await test.Database.WriteAsync(s => s.ExecuteAsync("CREATE TABLE t (n INT PRIMARY KEY)", default), default);
        for (var round = 0; round < 5; round++) // prepared from the third on
        {
            await test.Database.WriteAsync(s => s.ExecuteAsync("DELETE FROM t", default), default);
            var locked = new TaskCompletionSource();
            var go = new TaskCompletionSource();
            var other = Task.Run(() => test.Database.WriteAsync(async s =>
            {
                await s.LockShardAsync(3, wait: true, default);
                await s.ExecuteAsync("INSERT INTO t (n) VALUES (1)", default);
                locked.SetResult();
                await go.Task;
            }, default));
            await locked.Task;
            var mine = Task.Run(() => test.Database.WriteAsync(async s =>
            {
                s.AvoidScans();
                var before = await s.EnqueueAsync("SELECT count(*) FROM t", row => row.Long(0), default);
                // the same key, waited for within the batch
                var waited = await s.EnqueueAsync("SELECT 1 FROM (SELECT pg_advisory_xact_lock(@key, 3)) l", row => row.Int(0), default, ("key", s.Database.LockNamespace));
                var tried = await s.TryLockShardsAsync([3], default);
                var after = await s.EnqueueAsync("SELECT count(*) FROM t", row => row.Long(0), default);
                await s.SendAsync(default);
                return (before.Rows[0], waited.Rows.Count, tried.Rows.Count, after.Rows[0]);
            }, default));
            while ((await test.Database.ReadAsync(s => s.ScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid::bigint = @space AND objid = 3", default, ("space", (long)unchecked((uint)s.Database.LockNamespace))), default)) == 0) await Task.Yield();
            go.SetResult();
            await other;
            Assert.Equal((0L, 1, 1, 1L), await mine);
        }
    }

    [Fact]
    public async Task Two_statements_in_one_text_run_behind_what_is_enqueued_as_they_do_alone()
    {
        await using var test = await NewAsync(DatabaseKind.PostgreSql);
        await test.Database.WriteAsync(s => s.ExecuteAsync("CREATE TABLE t (n INT PRIMARY KEY)", default), default);
        await test.Database.WriteAsync(async s =>
        {
            await s.EnqueueAsync("INSERT INTO t (n) SELECT r.n FROM {rows}", new Rows<int>([3]).Int("n", x => x), default);
            await s.ExecuteAsync("INSERT INTO t (n) VALUES (4); INSERT INTO t (n) VALUES (5)", default);
        }, default);
    }

    [Theory]
    [InlineData("DELETE FROM item USING {rows} WHERE item.number = r.n RETURNING id")]
    [InlineData("WITH asked AS (SELECT r.n FROM {rows}) SELECT n FROM asked")]
    [InlineData("  SELECT r.n FROM {rows}")]
    [InlineData("-- those\nSELECT r.n FROM {rows}")]
    public async Task A_statement_that_gives_rows_is_not_enqueued_without_saying_who_reads_them(string sql)
    {
        await using var test = await NewAsync(DatabaseKind.PostgreSql);
        await test.Database.WriteAsync(s => Assert.ThrowsAsync<ArgumentException>(() =>
            s.EnqueueAsync(sql, new Rows<long>([3]).Long("n", n => n), default)), default);
    }

    private static Task EnqueueAsync(Session session, long number) => session.EnqueueAsync(
        "INSERT INTO item (id, number, json, flag) SELECT r.id, r.number, @json, @flag FROM {rows}",
        new Rows<long>([number]).Uuid("id", n => StableHash.Key($"{n}")).Long("number", n => n), default, ("json", new JsonText("{}")), ("flag", true));

    private static Task<List<long>> NumbersAsync(TestDatabase test) =>
        test.Database.ReadAsync(session => session.QueryAsync("SELECT number FROM item ORDER BY number", row => row.Long(0), default), default);

    private static async Task<TestDatabase> NewAsync(DatabaseKind kind)
    {
        var test = await TestDatabase.CreateAsync(kind);
        var (uuid, json, bytes, flag) = kind == DatabaseKind.PostgreSql ? ("uuid", "jsonb", "bytea", "boolean") : ("BLOB", "TEXT", "BLOB", "INTEGER");
        await test.Database.WriteAsync(session => session.ExecuteAsync(
            $"CREATE TABLE item (id {uuid} PRIMARY KEY, number BIGINT NOT NULL, text TEXT, json {json} NOT NULL, bytes {bytes}, flag {flag} NOT NULL, maybe BIGINT)", default), default);
        return test;
    }

    private static Task<int> InsertAsync(Session session, IReadOnlyList<Item> items) => session.ExecuteAsync("""
        INSERT INTO item (id, number, text, json, bytes, flag, maybe)
        SELECT r.id, r.number, r.text, r.json, r.bytes, r.flag, r.maybe FROM {rows} WHERE true
        ON CONFLICT DO NOTHING
        """,
        new Rows<Item>(items).Uuid("id", i => i.Id).Long("number", i => i.Number).Text("text", i => i.Text).Json("json", i => i.Json)
            .Bytes("bytes", i => i.Bytes).Bool("flag", i => i.Flag).LongOrNull("maybe", i => i.Maybe), default);

    private static string Describe(Item item) =>
        $"{item.Id} {item.Number} {item.Text} {JsonData.Write(JsonData.Parse(item.Json))} {Convert.ToHexString(item.Bytes ?? [])} {item.Bytes is null} {item.Flag} {item.Maybe}";
}
