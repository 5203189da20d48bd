namespace MailFlow.Data;

/// <summary>The answer to an enqueued query.</summary>
public sealed class Reply<T>
{
    private List<T>? _rows;

    internal Reply(List<T>? rows = null) => _rows = rows;

    /// <summary>The rows found.</summary>
    /// <exception cref="InvalidOperationException">Nothing has been run since it was enqueued.</exception>
    public List<T> Rows
    {
        get => _rows ?? throw new InvalidOperationException("The query is enqueued and has not been run yet.");
        internal set => _rows = value;
    }
}
