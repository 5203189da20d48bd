using System.Collections;
using System.Reflection;
using System.Text.RegularExpressions;
using MailFlow.Delivery;
using MailFlow.Engine.Storage;
using MailFlow.Ingestion;
using MailFlow.Journeys.Webhooks;

namespace MailFlow.Server.Tests;

/// <summary>Nothing on the build machines runs a container: what the deployment files ask of the server is checked by its words.</summary>
public sealed partial class DeploymentFilesTests
{
    private static readonly string[] Plain = ["DataDirectory", "Samples", "Roles", "Region", "Telemetry__TraceRatio"];

    private static readonly Dictionary<string, Type> Sections = new()
    {
        ["Delivery"] = typeof(DeliveryOptions),
        ["Ingestion"] = typeof(IngestionOptions),
        ["Retention"] = typeof(RetentionOptions),
        ["Webhooks"] = typeof(WebhookOptions),
    };

    // Seen red with a letter changed in docker-compose.yml. A misspelt setting is not refused by the server, it is not seen.
    [Fact]
    public void Every_setting_that_README_compose_file_and_manifests_name_is_one_that_the_server_reads()
    {
        string[] files = ["README.md", "Dockerfile", "docker-compose.yml", .. Directory.GetFiles(Root("deploy/kubernetes"), "*.yaml").Select(file => Path.GetRelativePath(Root(""), file))];
        var settings = files.SelectMany(file => Setting().Matches(File.ReadAllText(Root(file))).Select(match => (File: file, Name: match.Groups[1].Value))).Distinct().ToList();

        Assert.Contains(settings, setting => setting.File == "docker-compose.yml");
        Assert.Contains(settings, setting => setting.File.Contains("kubernetes", StringComparison.Ordinal));
        Assert.Empty(settings.Where(setting => !IsRead(setting.Name)).Select(setting => $"{setting.File}: MailFlow__{setting.Name}"));
    }

    // Seen red: each of the three did.
    [Fact]
    public void What_an_autoscaler_scales_does_not_set_replicas_itself_which_each_apply_would_put_back()
    {
        var files = Directory.GetFiles(Root("deploy/kubernetes"), "*.yaml").Select(File.ReadAllText).Where(text => text.Contains("scaleTargetRef", StringComparison.Ordinal)).ToList();

        Assert.Equal(3, files.Count);
        Assert.All(files, text => Assert.DoesNotMatch(@"(?m)^  replicas:", text));
    }

    private static bool IsRead(string name)
    {
        if (Plain.Contains(name)) return true;
        var parts = name.Split("__");
        if (!Sections.TryGetValue(parts[0], out var type)) return false;
        foreach (var part in parts.Skip(1))
        {
            if (typeof(IEnumerable).IsAssignableFrom(type) && type != typeof(string)) return true; // a key or a place of a collection
            if (type.GetProperty(part, BindingFlags.Public | BindingFlags.Instance) is not { } property) return false;
            type = property.PropertyType;
        }
        return true;
    }

    internal static string Root(string path, [System.Runtime.CompilerServices.CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "..", "..", path);

    [GeneratedRegex(@"\bMailFlow__([A-Za-z0-9]+(?:__[A-Za-z0-9]+)*)")]
    private static partial Regex Setting();
}
