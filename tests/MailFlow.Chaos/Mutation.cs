namespace MailFlow.Chaos;

/// <summary>A guard of MailFlow's that is taken out, so that the checker can be seen to miss it. It is done in the run's own database or by the nodes' seam: no switch of the product does any of this.</summary>
public enum Mutation
{
    /// <summary>MailFlow as it is.</summary>
    None,

    /// <summary>The unique key of events: each is forgotten as soon as it is written, so that the same event is a new one.</summary>
    NoUniqueKey,

    /// <summary>The lock of a shard: everybody is given it.</summary>
    NoLock,

    /// <summary>The mark of a hand-over: after a crash, a mail that was under way looks like one that nobody had begun to send.</summary>
    NoInflightMark,

    /// <summary>PostgreSQL's clock: each node goes by its own.</summary>
    NoSharedClock,
}

/// <summary>How each is taken out.</summary>
internal static class Mutations
{
    /// <summary>Run once, after the schema is there and before anything happens.</summary>
    public static string? Sql(this Mutation mutation) => mutation switch
    {
        Mutation.NoUniqueKey => """
            CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM event_key WHERE key = NEW.key; RETURN NULL; END';
            CREATE TRIGGER forget AFTER INSERT ON event_key FOR EACH ROW EXECUTE FUNCTION forget();
            """,
        // Found before PostgreSQL's own, because the search path of these connections says so (SearchPath).
        Mutation.NoLock => "CREATE FUNCTION pg_try_advisory_xact_lock(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        Mutation.NoInflightMark => """
            CREATE FUNCTION unmark() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.state := 4; RETURN NEW; END';
            CREATE TRIGGER unmark BEFORE UPDATE ON message FOR EACH ROW
              WHEN (OLD.state = 1 AND NEW.state = 5 AND NEW.reason = 'the sender stopped during the hand-over') EXECUTE FUNCTION unmark();
            """,
        _ => null,
    };

    /// <summary>Where names are looked up.</summary>
    public static string SearchPath(this Mutation mutation, string schema) => mutation == Mutation.NoLock ? $"{schema},pg_catalog" : schema;
}
