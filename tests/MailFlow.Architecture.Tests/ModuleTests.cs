namespace MailFlow.Architecture.Tests;

/// <summary>The modules and who may know whom. The csproj files are the diagram; this is the rule they keep.</summary>
public sealed class ModuleTests
{
    /// <summary>What each module may refer to. Server is the composition root and may refer to all.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["MailFlow.Data"] = [],
        ["MailFlow.Engine"] = ["MailFlow.Data"],
        ["MailFlow.Audience"] = ["MailFlow.Data", "MailFlow.Engine"],
        ["MailFlow.Content"] = ["MailFlow.Data", "MailFlow.Engine"],
        ["MailFlow.Delivery"] = ["MailFlow.Data", "MailFlow.Engine", "MailFlow.Audience", "MailFlow.Content"],
        ["MailFlow.Journeys"] = ["MailFlow.Data", "MailFlow.Engine", "MailFlow.Audience", "MailFlow.Delivery"],
        ["MailFlow.Analytics"] = ["MailFlow.Data", "MailFlow.Engine", "MailFlow.Audience", "MailFlow.Content", "MailFlow.Delivery", "MailFlow.Journeys"],
        ["MailFlow.Ingestion"] = ["MailFlow.Data", "MailFlow.Engine", "MailFlow.Journeys", "MailFlow.Audience"],
    };

    // Seen red with a reference from Engine to Audience.
    [Fact]
    public void A_module_refers_only_to_those_it_may_know()
    {
        foreach (var (project, references) in Repository.Projects("src").Where(project => project.Key != "MailFlow.Server"))
        {
            Assert.True(Allowed.TryGetValue(project, out var allowed), $"{project} is not in the table of modules.");
            Findings.None(references.Except(allowed!).Select(reference => $"{project} -> {reference}"));
        }
    }

    // Seen red with <DisableTransitiveProjectReferences> set to false.
    [Fact]
    public void A_module_does_not_see_through_another()
    {
        var props = Repository.Files("", "Directory.Build.props").Single().Text;
        Assert.Contains("<DisableTransitiveProjectReferences>true</DisableTransitiveProjectReferences>", props);
        Assert.DoesNotContain(Repository.Files("src", "*.csproj"), file => file.Text.Contains("DisableTransitiveProjectReferences", StringComparison.Ordinal));
    }

    // Seen red with a test project that no solution entry names.
    [Fact]
    public void Every_project_is_in_the_solution_and_every_module_has_tests()
    {
        var solution = File.ReadAllText(Path.Combine(Repository.Root, "MailFlow.sln"));
        var tests = Repository.Projects("tests");
        Assert.DoesNotContain(Repository.Projects("src").Keys.Concat(tests.Keys), project => !solution.Contains($"\"{project}\"", StringComparison.Ordinal));
        Assert.DoesNotContain(Repository.Projects("src").Keys, project => !tests.ContainsKey(project + ".Tests"));
    }

    // Seen red with a Version on a PackageReference, and with two versions swapped in Directory.Packages.props.
    [Fact]
    public void Package_versions_stand_in_one_place_in_order()
    {
        Assert.DoesNotContain(Repository.Files("", "*.csproj"), file => file.Text.Contains(" Version=\"", StringComparison.Ordinal));
        var names = Repository.Files("", "Directory.Packages.props").Single().Text.Split('\n')
            .Where(line => line.Contains("<PackageVersion ", StringComparison.Ordinal)).Select(line => line.Split('"')[1]).ToList();
        Assert.Equal(names.Order(StringComparer.OrdinalIgnoreCase), names);
    }

    // Seen red without the property: the key was then written to src/MailFlow.Server/data, where no page says it is.
    [Fact]
    public void The_server_run_from_its_source_keeps_its_data_where_the_command_is_given() =>
        Assert.Contains("<RunWorkingDirectory>$(MSBuildStartupDirectory)</RunWorkingDirectory>", Repository.Files("src/MailFlow.Server", "*.csproj").Single().Text);
}
