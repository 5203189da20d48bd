using System.Buffers;
using System.Text;

namespace MailFlow.Audience.Importing;

/// <summary>
/// Cells of CSV (RFC 4180) that a spreadsheet takes for text: one that begins as a formula is given an apostrophe before it (OWASP, CSV injection),
/// which reading takes off again.
/// </summary>
public static class Csv
{
    /// <summary>The content type.</summary>
    public const string ContentType = "text/csv";

    private static readonly SearchValues<char> Quoted = SearchValues.Create(",\";\r\n\t");
    private const string FormulaStarts = "=+-@\t\r\n";

    /// <summary>One line, its end included.</summary>
    public static string Line(params ReadOnlySpan<string?> cells)
    {
        var line = new StringBuilder();
        for (var i = 0; i < cells.Length; i++)
        {
            if (i > 0) line.Append(',');
            Append(line, cells[i] ?? "");
        }
        return line.Append("\r\n").ToString();
    }

    /// <summary>The text that a cell stands for.</summary>
    internal static string Unescape(string cell) => cell.StartsWith('\'') && IsMarked(cell) ? cell[1..] : cell;

    /// <summary>Whether it begins as a formula, or as one that has apostrophes before it already: these must not be taken for ours.</summary>
    private static bool IsMarked(string text) => text.AsSpan().TrimStart('\'') is [var first, ..] && FormulaStarts.Contains(first);

    private static void Append(StringBuilder line, string text)
    {
        // A quote in front would still leave the formula to the spreadsheet: the apostrophe comes inside.
        var safe = IsMarked(text) ? "'" + text : text;
        if (!safe.AsSpan().ContainsAny(Quoted) && safe == safe.Trim()) line.Append(safe);
        else line.Append('"').Append(safe.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
    }
}
