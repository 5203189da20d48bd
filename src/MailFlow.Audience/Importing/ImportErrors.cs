namespace MailFlow.Audience.Importing;

/// <summary>Counts what could not be taken and keeps the first thousand.</summary>
internal sealed class ImportErrors
{
    private const int Most = 1000;
    private readonly List<ImportError> _kept = [];

    public long Rejected { get; private set; }

    public IReadOnlyList<ImportError> Kept => _kept;

    public void Add(long line, string field, string problem)
    {
        Rejected++;
        if (_kept.Count < Most) _kept.Add(new ImportError(line, field, problem));
    }
}
