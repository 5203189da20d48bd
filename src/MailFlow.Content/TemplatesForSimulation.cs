using MailFlow.Data;
using MailFlow.Engine.Storage;

namespace MailFlow.Content;

/// <summary>The latest versions of the templates that the journeys' inputs name, and of what these are made with; of all, where an input names one only when it runs.</summary>
internal sealed class TemplatesForSimulation : ISimulationSource
{
    private const string ByKey = "templates";

    public async Task CopyAsync(Session from, Session into, SimulationScope scope, CancellationToken ct)
    {
        var versions = new Dictionary<string, TemplateVersion>();
        foreach (var key in await KeysAsync(from, scope, ct))
        {
            if (versions.ContainsKey(key) || await Templates.FindAsync(from, scope.AccountId, key, null, ct) is not { } found) continue;
            versions[key] = found;
            foreach (var (part, version) in await PartsAsync(from, scope.AccountId, found, ct))
                if (part != key) versions[part] = version;
        }
        var rows = versions.Values.ToList();
        await into.ExecuteAsync("INSERT INTO template (account_id, key, latest_version, created_at, updated_at) SELECT @account, r.key, r.version, 0, 0 FROM {rows}",
            new Rows<TemplateVersion>(rows).Text("key", t => t.Key).Int("version", t => t.Version), ct, ("account", scope.AccountId));
        await into.ExecuteAsync("""
            INSERT INTO template_version (account_id, key, version, subject, html, text, layout, stream, created_at)
            SELECT @account, r.key, r.version, r.subject, r.html, r.text, r.layout, r.stream, 0 FROM {rows}
            """,
            new Rows<TemplateVersion>(rows).Text("key", t => t.Key).Int("version", t => t.Version).Text("subject", t => t.Source.Subject).Text("html", t => t.Source.Html)
                .Text("text", t => t.Source.Text).Text("layout", t => t.Source.Layout).Int("stream", t => (int)t.Source.Stream), ct, ("account", scope.AccountId));
    }

    /// <summary>None where one is missing: the mail then fails to render as it would in earnest, and the simulation shows it.</summary>
    private static async Task<IReadOnlyDictionary<string, TemplateVersion>> PartsAsync(Session from, int accountId, TemplateVersion template, CancellationToken ct)
    {
        try
        {
            return await Templates.PartsAsync(from, accountId, template.Key, template.Source, ct);
        }
        catch (TemplateFieldException)
        {
            return new Dictionary<string, TemplateVersion>();
        }
    }

    private static async Task<IReadOnlyCollection<string>> KeysAsync(Session from, SimulationScope scope, CancellationToken ct)
    {
        var keys = new HashSet<string>();
        foreach (var (node, input) in scope.Graphs.SelectMany(graph => graph.Nodes).SelectMany(node => node.Activity.Descriptor.Inputs, (node, input) => (node, input)))
        {
            if (input.ChoicesFrom != ByKey) continue;
            if (node.Activity.Inputs.ConstantOf(input.Name) is string key) keys.Add(key);
            else if (node.Activity.Inputs.Constant is null) return await AllAsync(from, scope.AccountId, ct);
        }
        return keys;
    }

    private static Task<List<string>> AllAsync(Session from, int accountId, CancellationToken ct) =>
        from.QueryAsync("SELECT key FROM template WHERE account_id = @account", row => row.Text(0), ct, ("account", accountId));
}
