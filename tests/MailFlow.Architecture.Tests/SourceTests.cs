using System.Text.RegularExpressions;

namespace MailFlow.Architecture.Tests;

/// <summary>How the source reads.</summary>
public sealed partial class SourceTests
{
    private const int LongestFile = 600;

    // Seen red with a file of 700 lines.
    [Fact]
    public void No_source_file_is_longer_than_a_reader_bears() => Findings.None(
        from file in Sources()
        let lines = file.Text.Count(character => character == '\n')
        where lines > LongestFile
        select $"{file.Path}: {lines} lines");

    // Seen red with a class named JourneyManager, and with a comment that began with the first of the words below.
    [Fact]
    public void Nothing_is_left_half_done_or_named_for_nothing()
    {
        var unfinished = new Regex(@"\b(TODO|FIXME|HACK|XXX)\b|NotImplementedException|Skip\s*=\s*""");
        Findings.None(from file in Sources()
                      where !file.Path.EndsWith("SourceTests.cs", StringComparison.Ordinal)
                      from Match match in unfinished.Matches(file.Text)
                      select $"{file.Path}: {match.Value}");
        Findings.None(from file in Repository.Files("src", "*.cs")
                      from Match match in VagueType().Matches(file.Text)
                      select $"{file.Path}: {match.Value}");
        Assert.DoesNotContain(Repository.Files("src", "*.cs"), file => file.Path.Split('/')[2..^1].Any(part =>
            part is "Interfaces" or "Models" or "Helpers" or "Services" or "Utils" or "Common" or "Enums" or "Exceptions" or "Extensions"));
    }

    // Seen red with a namespace in braces.
    [Fact]
    public void Namespaces_are_file_scoped() => Findings.None(
        from file in Sources() where NamespaceInBraces().IsMatch(file.Text) select file.Path);

    // Seen red with a class of activities that was left open.
    [Fact]
    public void Activities_are_sealed() => Findings.None(
        from file in Repository.Files("src", "*.cs")
        from Match match in ActivityClass().Matches(file.Text)
        where !match.Groups[1].Value.Contains("sealed", StringComparison.Ordinal)
        select $"{file.Path}: {match.Value.Split('\n')[^1].Trim()}");

    // Seen red with the summary of a public record taken out.
    [Fact]
    public void Public_types_of_the_modules_are_documented() => Findings.None(
        from file in Repository.Files("src", "*.cs")
        from Match match in PublicType().Matches(file.Text)
        where !IsDocumented(file.Text, match.Index)
        select $"{file.Path}: {match.Value.Trim()}");

    /// <summary>Whether the lines above a declaration, attributes aside, end a documentation comment.</summary>
    private static bool IsDocumented(string text, int declaration)
    {
        var above = text[..declaration].Split('\n');
        for (var line = above.Length - 1; line >= 0; line--)
        {
            var trimmed = above[line].Trim();
            if (trimmed.Length == 0 || trimmed.StartsWith('[') || trimmed.EndsWith(']')) continue;
            return trimmed.StartsWith("///", StringComparison.Ordinal);
        }
        return false;
    }

    private static IEnumerable<(string Path, string Text)> Sources() => Repository.Files("src", "*.cs").Concat(Repository.Files("tests", "*.cs"));

    [GeneratedRegex(@"\b(class|record|interface|struct)\s+\w+(Manager|Helper|Util|Utils|Utility|Service|Impl)\b")]
    private static partial Regex VagueType();

    [GeneratedRegex(@"^namespace\s+[\w.]+\s*\{?\s*$(?!;)", RegexOptions.Multiline)]
    private static partial Regex NamespaceInBraces();

    [GeneratedRegex(@"^[ \t]*((?:public|internal)[ \t]+(?:\w+[ \t]+)*)class[ \t]+\w+[^\n{]*:[ \t]*(?:Batch|Job)?Activity<", RegexOptions.Multiline)]
    private static partial Regex ActivityClass();

    [GeneratedRegex(@"^public[ \t]+(?:(?:sealed|abstract|static|partial|readonly|ref)[ \t]+)*(?:class|record(?:[ \t]+struct)?|interface|struct|enum|delegate)[ \t]+\w+", RegexOptions.Multiline)]
    private static partial Regex PublicType();
}
