namespace MailFlow.Data;

/// <summary>Which of the names there are was meant by one that is not there.</summary>
public static class NearestName
{
    /// <summary>The most letters that may be wrong.</summary>
    private const int MostEdits = 2;

    private const int ShortestPart = 4, LongestLooked = 40;

    /// <summary>
    /// The one that differs by case, <c>_</c> and <c>-</c> alone, or by one or two letters, or begins with it (<c>meta</c>, for <c>metadata</c>); null where none is near.
    /// </summary>
    public static string? Among(IReadOnlyList<string> names, string name)
    {
        var given = Plain(name);
        if (given.Length is 0 or > LongestLooked) return null;
        var nearest = names.MinBy(known => Edits(Plain(known), given))!;
        if (Edits(Plain(nearest), given) <= MostEdits) return nearest;
        return given.Length < ShortestPart ? null : names.FirstOrDefault(known => Plain(known).StartsWith(given, StringComparison.Ordinal));
    }

    private static string Plain(string name) => name.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>How many letters must be put in, left out or changed to make one of the other (Levenshtein).</summary>
    private static int Edits(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var (diagonal, left) = (row[0], i);
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                left = Math.Min(Math.Min(row[j], left) + 1, diagonal + (one[i - 1] == other[j - 1] ? 0 : 1));
                (diagonal, row[j]) = (row[j], left);
            }
        }
        return row[^1];
    }
}
