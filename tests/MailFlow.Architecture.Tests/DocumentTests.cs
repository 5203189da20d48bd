using System.Text.RegularExpressions;

namespace MailFlow.Architecture.Tests;

/// <summary>What the documents say of the repository is so.</summary>
public sealed partial class DocumentTests
{
    // Seen red with a link to a page that is not there.
    [Fact]
    public void Every_link_to_a_file_of_ours_leads_somewhere() => Findings.None(
        from page in Pages()
        from Match match in Link().Matches(WithoutCode(page.Text))
        let target = match.Groups[1].Value.Split('#')[0]
        where target.Length > 0 && !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal)
        let full = Path.Combine(Repository.Root, Path.GetDirectoryName(page.Path)!, Uri.UnescapeDataString(target))
        where !File.Exists(full) && !Directory.Exists(full)
        select $"{page.Path}: {match.Groups[1].Value}");

    // Seen red with a heading renamed that a link named.
    [Fact]
    public void Every_link_to_a_heading_finds_it() => Findings.None(
        from page in Pages()
        from Match match in Link().Matches(WithoutCode(page.Text))
        let parts = match.Groups[1].Value.Split('#')
        where parts.Length == 2 && parts[1].Length > 0 && !parts[0].Contains("://", StringComparison.Ordinal) && (parts[0].Length == 0 || parts[0].EndsWith(".md", StringComparison.Ordinal))
        let full = parts[0].Length == 0 ? Path.Combine(Repository.Root, page.Path) : Path.Combine(Repository.Root, Path.GetDirectoryName(page.Path)!, parts[0])
        where File.Exists(full) && !Heading().Matches(File.ReadAllText(full)).Any(heading => Anchor(heading.Groups[1].Value) == parts[1])
        select $"{page.Path}: {match.Groups[1].Value}");

    // Seen red with a path in ARCHITECTURE.md misspelt.
    [Fact]
    public void Every_source_path_named_in_a_document_is_there() => Findings.None(
        from page in Pages()
        where page.Path != "CHANGELOG.md" && !page.Path.StartsWith("docs/adr/", StringComparison.Ordinal)
        from Match match in SourcePath().Matches(page.Text)
        let full = Path.Combine(Repository.Root, match.Groups[1].Value)
        where !File.Exists(full) && !Directory.Exists(full)
        select $"{page.Path}: {match.Groups[1].Value}");

    // Seen red with an invariant that named a test which is not there.
    [Fact]
    public void Every_test_named_in_a_document_is_there()
    {
        var tests = Repository.Files("tests", "*.cs").SelectMany(file => TestMethod().Matches(file.Text).Select(match => match.Groups[1].Value)).ToHashSet();
        Findings.None(
            from page in Pages()
            from Match match in TestName().Matches(page.Text)
            where !tests.Contains(match.Groups[1].Value)
            select $"{page.Path}: {match.Groups[1].Value}");
    }

    private static IEnumerable<(string Path, string Text)> Pages() => Repository.Files("", "*.md");

    private static string WithoutCode(string text) => CodeBlock().Replace(text, "");

    /// <summary>The anchor that GitHub gives a heading.</summary>
    private static string Anchor(string heading) =>
        Regex.Replace(heading.Trim().ToLowerInvariant().Replace("`", ""), @"[^\w\- ]", "").Replace(' ', '-');

    [GeneratedRegex(@"\]\(<?([^)\s>]+)>?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"```.*?```|`[^`\n]*`", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"^#+\s+(.+?)\s*$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"`((?:src|tests|workflows|docs)/[\w./-]*\w)`")]
    private static partial Regex SourcePath();

    /// <summary>A test's name in a document: a sentence of at least four words with underscores, in code marks.</summary>
    [GeneratedRegex(@"`(?:\w+\.)?([A-Z][a-z]*(?:_\w+){3,})`")]
    private static partial Regex TestName();

    [GeneratedRegex(@"public\s+(?:async\s+)?(?:static\s+)?(?:void|Task|bool|Property)\s+(\w+)\s*\(")]
    private static partial Regex TestMethod();
}
