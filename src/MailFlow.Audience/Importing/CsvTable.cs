using System.Runtime.CompilerServices;
using System.Text;
using MailFlow.Data;

namespace MailFlow.Audience.Importing;

/// <summary>One line of a table.</summary>
/// <param name="Number">Where it begins in the file.</param>
/// <param name="Cells">By column; empty ones are left out.</param>
/// <param name="Broken">What is wrong with its form; null when nothing is.</param>
internal sealed record CsvLine(long Number, IReadOnlyDictionary<string, string> Cells, string? Broken);

/// <summary>
/// Reads CSV (RFC 4180) as it comes in, holding one line at a time: a heading that names the columns, then lines. The heading says whether commas, semicolons or
/// tabs part the cells. UTF-8, with or without a byte order mark.
/// </summary>
internal sealed class CsvTable : IDisposable
{
    private const int LongestCell = 64 * 1024, MostCells = 1_000;
    private readonly StreamReader _reader;
    private readonly char[] _buffer = new char[16 * 1024];
    private int _position, _length;
    private long _line = 1;
    private char _separator;
    private string[] _columns = [];

    public CsvTable(Stream stream) => _reader = new StreamReader(stream, new UTF8Encoding(false, throwOnInvalidBytes: true), detectEncodingFromByteOrderMarks: true, leaveOpen: true);

    /// <summary>Reads the heading. Throws <see cref="InvalidInputException"/> for one without a column that must be there, or with one that <paramref name="isKnown"/> does not know.</summary>
    public async Task ReadHeadingAsync(string required, Func<string, bool> isKnown, string known, CancellationToken ct)
    {
        if (await PeekAsync(ct) < 0) throw new InvalidInputException("heading", "the file is empty");
        // A heading's names hold none of them, so the first to be seen parts them.
        _separator = _buffer.AsSpan(_position, _length - _position).IndexOfAny(",;\t\r\n") is >= 0 and var at && _buffer[_position + at] is ',' or ';' or '\t' ? _buffer[_position + at] : ',';
        var (record, broken) = await ReadRecordAsync(ct);
        if (broken is not null) throw new InvalidInputException("heading", broken);
        // Spreadsheets like capitals.
        _columns = [.. record.Select(name => !isKnown(name) && isKnown(name.ToLowerInvariant()) ? name.ToLowerInvariant() : name)];
        if (_columns.FirstOrDefault(name => !isKnown(name)) is { } odd) throw new InvalidInputException("heading", $"the column '{Shown(odd)}' is not known; known are {known}");
        if (_columns.Distinct().Count() < _columns.Length) throw new InvalidInputException("heading", "names a column twice");
        if (!_columns.Contains(required)) throw new InvalidInputException("heading", $"the column '{required}' is missing");
    }

    /// <summary>The lines that follow, empty ones passed over.</summary>
    public async IAsyncEnumerable<CsvLine> LinesAsync([EnumeratorCancellation] CancellationToken ct)
    {
        while (await PeekAsync(ct) >= 0)
        {
            var number = _line;
            var (record, broken) = await ReadRecordAsync(ct);
            if (record.TrueForAll(string.IsNullOrEmpty)) continue;
            var cells = new Dictionary<string, string>(_columns.Length);
            for (var i = 0; i < Math.Min(record.Count, _columns.Length); i++)
                if (record[i].Length > 0) cells[_columns[i]] = Csv.Unescape(record[i]);
            if (record.Count > _columns.Length) broken ??= $"has {record.Count} cells, the heading {_columns.Length}";
            yield return new CsvLine(number, cells, broken);
        }
    }

    public void Dispose() => _reader.Dispose();

    internal static string Shown(string text) => text.Length <= 60 ? text : text[..60] + "…";

    private async ValueTask<(List<string> Cells, string? Broken)> ReadRecordAsync(CancellationToken ct)
    {
        var (cells, cell, broken) = (new List<string>(), new StringBuilder(), (string?)null);
        var (quoted, wasQuoted) = (false, false);
        for (var next = await TakeAsync(ct); ; next = await TakeAsync(ct))
        {
            if (quoted)
            {
                if (next < 0) throw new InvalidInputException("body", $"a quotation mark before line {_line} is left open");
                if (next != '"') Append((char)next);
                else if (await PeekAsync(ct) == '"') Append((char)await TakeAsync(ct));
                else quoted = false;
            }
            else if (next < 0 || next is '\n' or '\r' || next == _separator)
            {
                if (cells.Count == MostCells) throw new InvalidInputException("body", $"line {_line} has more than {MostCells} cells");
                cells.Add(wasQuoted ? cell.ToString() : cell.ToString().Trim());
                (wasQuoted, _) = (false, cell.Clear());
                if (next == _separator) continue;
                if (next == '\r' && await PeekAsync(ct) == '\n') await TakeAsync(ct);
                if (next >= 0) _line++;
                return (cells, broken);
            }
            else if (next != '"') Append((char)next);
            else if (!wasQuoted && string.IsNullOrWhiteSpace(cell.ToString()))
            {
                cell.Clear();
                (quoted, wasQuoted) = (true, true);
            }
            else
            {
                broken = "has a quotation mark in the wrong place: a cell that holds one is put in quotation marks, and the mark doubled";
                Append('"');
            }
        }

        void Append(char character)
        {
            // Blanks after the closing mark part nothing.
            if (wasQuoted && !quoted)
            {
                if (!char.IsWhiteSpace(character)) broken ??= "goes on after a closing quotation mark";
                return;
            }
            if (quoted && character == '\n') _line++;
            if (cell.Length == LongestCell) throw new InvalidInputException("body", $"a cell near line {_line} is longer than {LongestCell / 1024} kB: is a quotation mark left open?");
            cell.Append(character);
        }
    }

    private async ValueTask<int> TakeAsync(CancellationToken ct) => await PeekAsync(ct) is >= 0 and var next ? Advance(next) : -1;

    private int Advance(int next)
    {
        _position++;
        return next;
    }

    private async ValueTask<int> PeekAsync(CancellationToken ct)
    {
        if (_position < _length) return _buffer[_position];
        try
        {
            (_position, _length) = (0, await _reader.ReadAsync(_buffer, ct));
        }
        catch (DecoderFallbackException)
        {
            throw new InvalidInputException("body", $"is not UTF-8, near line {_line}");
        }
        return _length == 0 ? -1 : _buffer[0];
    }
}
