using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;
using static MailFlow.Server.Tests.DeploymentFilesTests;

namespace MailFlow.Server.Tests;

using Map = Dictionary<object, object?>;

/// <summary>Compose file and manifests have the shape that their specifications ask for, and what they refer to by name is there.</summary>
public sealed class DeploymentShapeTests
{
    /// <summary>Of a service, by the Compose Specification.</summary>
    private static readonly string[] ServiceKeys =
    [
        "build", "cap_add", "cap_drop", "command", "configs", "container_name", "depends_on", "deploy", "devices", "dns", "entrypoint", "env_file", "environment", "expose", "extra_hosts",
        "healthcheck", "hostname", "image", "init", "labels", "logging", "networks", "platform", "ports", "profiles", "pull_policy", "read_only", "restart", "secrets", "security_opt",
        "shm_size", "stop_grace_period", "stop_signal", "sysctls", "tmpfs", "ulimits", "user", "volumes", "working_dir",
    ];

    private static readonly string[] HealthKeys = ["test", "interval", "timeout", "retries", "start_period", "start_interval", "disable"];

    private static readonly Dictionary<string, string> Versions = new()
    {
        ["Deployment"] = "apps/v1",
        ["PodDisruptionBudget"] = "policy/v1",
        ["Service"] = "v1",
        ["ConfigMap"] = "v1",
        ["Namespace"] = "v1",
        ["HorizontalPodAutoscaler"] = "autoscaling/v2",
        ["ScaledObject"] = "keda.sh/v1alpha1",
        ["Kustomization"] = "kustomize.config.k8s.io/v1beta1",
    };

    // Seen red with a misspelt key.
    [Fact]
    public void The_compose_file_has_only_what_the_specification_knows_and_what_it_names_is_there()
    {
        var file = Assert.Single(Read("docker-compose.yml"));
        Assert.All(file.Keys, key => Assert.True(key is "services" or "volumes" || ((string)key).StartsWith("x-", StringComparison.Ordinal), $"{key}"));
        var (services, volumes) = ((Map)file["services"]!, (Map)file["volumes"]!);
        foreach (var (name, value) in services)
        {
            var service = (Map)value!;
            Assert.All(service.Keys, key => Assert.True(ServiceKeys.Contains(key), $"{name}.{key}"));
            Assert.True(service.ContainsKey("image") || service.ContainsKey("build"), $"{name} is made of nothing");
            foreach (var (other, how) in Sub(service, "depends_on"))
            {
                Assert.Equal("service_healthy", Assert.Contains("condition", (Map)how!));
                Assert.All(Sub((Map)services[other]!, "healthcheck").Keys, key => Assert.Contains(key, HealthKeys));
                Assert.Contains("test", Sub((Map)services[other]!, "healthcheck"));
            }
            foreach (var mount in List(service, "volumes")) Assert.Contains(((string)mount!).Split(':')[0], volumes);
            foreach (var port in List(service, "ports")) Assert.Matches(@"^127\.0\.0\.1:\d+:\d+$", (string)port!);
            Assert.All(Sub(service, "environment").Values, setting => Assert.True(setting is string, $"{name}: {setting}"));
        }
    }

    // Seen red with a probe of a port and a scaler of a Deployment that are not there.
    [Fact]
    public void What_the_manifests_name_is_there()
    {
        var files = Directory.GetFiles(Root("deploy/kubernetes"), "*.yaml").SelectMany(file => Read(Path.Combine("deploy/kubernetes", Path.GetFileName(file)))).ToList();
        foreach (var each in files) Assert.Equal(Versions[(string)each["kind"]!], each["apiVersion"]);
        var deployments = Of("Deployment").ToDictionary(Name);
        Assert.Equal(["mailflow-api", "mailflow-sender", "mailflow-worker"], deployments.Keys.Order());
        foreach (var deployment in deployments.Values)
        {
            var template = Sub(Sub(deployment, "spec"), "template");
            Assert.True(Matches(Sub(Sub(deployment, "spec"), "selector"), Labels(template)), Name(deployment));
            var container = (Map)Assert.Single(List(Sub(template, "spec"), "containers"))!;
            var ports = List(container, "ports").Select(port => ((Map)port!)["name"]).ToList();
            foreach (var (probe, path) in new[] { ("startupProbe", "/health/ready"), ("readinessProbe", "/health/ready"), ("livenessProbe", "/health/live") })
            {
                Assert.Equal(path, Sub(Sub(container, probe), "httpGet")["path"]);
                Assert.Contains(Sub(Sub(container, probe), "httpGet")["port"], ports);
            }
            Assert.Equal(List(Sub(template, "spec"), "volumes").Select(volume => ((Map)volume!)["name"]).Order(), List(container, "volumeMounts").Select(mount => ((Map)mount!)["name"]).Order());
            foreach (var source in List(container, "envFrom").Cast<Map>().Where(source => source.ContainsKey("configMapRef"))) Assert.Contains(Of("ConfigMap"), map => Name(map).Equals(Sub(source, "configMapRef")["name"]));
            Assert.Single(Of("PodDisruptionBudget"), budget => Matches(Sub(Sub(budget, "spec"), "selector"), Labels(template)));
        }
        foreach (var service in Of("Service"))
        {
            var selected = Sub(Sub(service, "spec"), "selector");
            Assert.Contains(deployments.Values, deployment => selected.All(label => label.Value!.Equals(Labels(Sub(Sub(deployment, "spec"), "template")).GetValueOrDefault(label.Key))));
        }
        foreach (var scaler in Of("HorizontalPodAutoscaler").Concat(Of("ScaledObject"))) Assert.Contains((string)Sub(Sub(scaler, "spec"), "scaleTargetRef")["name"]!, deployments);
        foreach (var resource in List(Assert.Single(Of("Kustomization")), "resources")) Assert.True(File.Exists(Root($"deploy/kubernetes/{resource}")), $"{resource}");

        IEnumerable<Map> Of(string kind) => files.Where(file => kind.Equals(file["kind"]));
    }

    [Fact]
    public void Alerts_and_dashboards_can_be_read()
    {
        Assert.All(Directory.GetFiles(Root("deploy/prometheus"), "*.y*ml"), file => Assert.NotEmpty(Read(Path.Combine("deploy/prometheus", Path.GetFileName(file)))));
        Assert.All(Directory.GetFiles(Root("deploy/grafana"), "*.json"), file => System.Text.Json.JsonDocument.Parse(File.ReadAllText(file)).Dispose());
    }

    private static string Name(Map manifest) => (string)Sub(manifest, "metadata")["name"]!;

    private static Map Labels(Map template) => Sub(Sub(template, "metadata"), "labels");

    private static bool Matches(Map selector, Map labels) => Sub(selector, "matchLabels").All(label => label.Value!.Equals(labels.GetValueOrDefault(label.Key)));

    private static Map Sub(Map map, string key) => map.GetValueOrDefault(key) as Map ?? [];

    private static List<object?> List(Map map, string key) => map.GetValueOrDefault(key) as List<object?> ?? [];

    /// <summary>The documents of a file, with what they merge in.</summary>
    private static List<Map> Read(string file)
    {
        var reader = new DeserializerBuilder().Build();
        var parser = new MergingParser(new Parser(new StringReader(File.ReadAllText(Root(file)))));
        var documents = new List<Map>();
        parser.Consume<StreamStart>();
        while (parser.Accept<DocumentStart>(out _)) documents.Add(reader.Deserialize<Map>(parser));
        return documents;
    }
}
