using System.Diagnostics;
using System.Text;
using MailFlow.Data;
using MailFlow.Engine.Execution;
using MailFlow.Server.Telemetry;
using MailFlow.Testing;
using OpenTelemetry.Trace;

namespace MailFlow.Server.Tests;

/// <summary>What a real server pushes by OTLP, and which traces are kept.</summary>
public sealed class TraceTests
{
    [Fact]
    public async Task From_an_event_to_its_mail_leads_a_trace_that_a_collector_gets_with_the_metrics()
    {
        await using var collector = new TinyHttpServer(_ => TinyHttpServer.Ok());
        await using var test = await TestDatabase.CreateAsync(DatabaseKind.PostgreSql, TimeProvider.System);
        var folder = Directory.CreateTempSubdirectory("mailflow-traces-").FullName;
        try
        {
            await using var server = await ServerProcess.StartAsync(folder, test.ConnectionString,
                ("OTEL_EXPORTER_OTLP_ENDPOINT", $"http://127.0.0.1:{collector.Port}"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
                ("OTEL_BSP_SCHEDULE_DELAY", "100"), ("MailFlow__Telemetry__TraceRatio", "1"));
            const string Request = "0af7651916cd43dd8448eb211c80319c";
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/events")
            {
                Content = HttpExtensions.Json("""{"event_id":"e-1","event_type":"user_signed_up","user_id":"ada","payload":{"contact":{"email":"ada@example.org","first_name":"Ada"}}}"""),
                Headers = { { "traceparent", $"00-{Request}-b7ad6b7169203331-01" } },
            };
            (await server.Client.SendAsync(request)).EnsureSuccessStatusCode();
            var mails = await server.ListAsync("/api/v1/messages?user_id=ada&state=accepted");
            for (var patience = 0; mails.Count == 0; mails = await server.ListAsync("/api/v1/messages?user_id=ada&state=accepted")) Assert.True(patience++ < 10_000, "the mail did not come");
            await server.StopAsync(); // what was not pushed yet is

            var traces = Bodies(collector, "/v1/traces");
            var instance = InstanceTrace.Of(Guid.Parse(mails[0]["instance_id"]!.GetValue<string>())).TraceId.ToHexString();
            foreach (var (span, trace) in new[] { ("mailflow.intake", Request), ("mailflow.event", Request), ("mailflow.instance", instance), ("mailflow.handover", instance) })
                Assert.True(HasSpan(traces, span, trace), $"there is no {span} in the trace {trace}");
            Assert.Contains("mailflow.batch", traces);
            Assert.Contains("mailflow.transitions", Bodies(collector, "/v1/metrics"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Seen red with the halves of the id changed over: its version's bits came first, and twice as many were kept.
    [Fact]
    public void A_share_of_instances_is_traced_on_every_node_the_same_though_they_began_together()
    {
        var (one, another) = (new InstanceSampler(0.2), new InstanceSampler(0.2));
        var instances = Enumerable.Range(0, 10_000).Select(number => StableHash.TimedKey(1_764_000_000_000, StableHash.Key(number.ToString()))).ToList();

        var kept = instances.FindAll(instance => IsKept(one, instance));

        Assert.InRange(kept.Count, 1_800, 2_200);
        Assert.Equal(kept, instances.FindAll(instance => IsKept(another, instance)));
    }

    private static bool IsKept(Sampler sampler, Guid instance)
    {
        var parent = InstanceTrace.Of(instance);
        return sampler.ShouldSample(new SamplingParameters(parent, parent.TraceId, "mailflow.handover", ActivityKind.Client)).Decision == SamplingDecision.RecordAndSample;
    }

    /// <summary>What came to a path, byte for byte, a character for each.</summary>
    private static string Bodies(TinyHttpServer collector, string path) =>
        string.Concat(collector.Requests.Where(request => request.Head.StartsWith($"POST {path} ", StringComparison.Ordinal)).Select(request => request.Body));

    /// <summary>In OTLP's protobuf, a span begins with its trace's 16 bytes and its name follows soon.</summary>
    private static bool HasSpan(string traces, string span, string trace)
    {
        var id = Encoding.Latin1.GetString(Convert.FromHexString(trace));
        for (var at = traces.IndexOf(id, StringComparison.Ordinal); at >= 0; at = traces.IndexOf(id, at + 1, StringComparison.Ordinal))
            if (traces.AsSpan(at, Math.Min(120, traces.Length - at)).Contains(span, StringComparison.Ordinal)) return true;
        return false;
    }
}
