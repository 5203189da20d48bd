using System.Net;
using MailFlow.Server.Access;
using MailFlow.Server.Elsa;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace MailFlow.Server.Tests;

/// <summary>Every address of the server: what it asks for, and whom it lets in.</summary>
public sealed class EndpointAccessTests
{
    /// <summary>What is reachable by anybody. Whoever adds to it answers for it.</summary>
    private static readonly string[] Open =
    [
        "GET /health/live", "GET /health/ready", "GET /unsubscribe/{token}", "POST /unsubscribe/{token}", "GET /preferences/{token}", "POST /preferences/{token}", "GET /confirm/{token}", "POST /confirm/{token}", "POST /api/v1/session", "DELETE /api/v1/session",
        "POST /api/v1/webhooks/{provider}/{connection}", "GET /t/o/{token}", "HEAD /t/o/{token}", "GET /t/c/{token}", "HEAD /t/c/{token}",
    ];

    /// <summary>What any user and any key reads.</summary>
    private static readonly string[] OpenToAll = ["GET /openapi/{documentName}.json"];

    /// <summary>What is about oneself: for any user, and for no key.</summary>
    private static readonly string[] OwnSession = ["GET /api/v1/session", "PUT /api/v1/session/password"];

    /// <summary>POST that only looks.</summary>
    private static readonly string[] Questions =
    [
        "POST /api/v1/segments/preview", "POST /api/v1/templates/{key}/preview", "POST /api/v1/journeys/{definitionId}/simulate",
        "POST /elsa/api/descriptors/activities/{type}/options/{input}", "POST /elsa/api/scripting/javascript/type-definitions/{definitionId}",
        "POST /elsa/api/bulk-actions/export/workflow-definitions", "POST /elsa/api/workflow-instances", "POST /elsa/api/workflow-instances/{id}/journal",
        "POST /elsa/api/activity-executions/report", "POST /elsa/hubs/workflow-instance/negotiate",
    ];

    /// <summary>What each role may do, written out: not what the code derives.</summary>
    private static readonly Dictionary<Role, string[]> Allowed = new()
    {
        [Role.Viewer] = ["contacts:read", "segments:read", "templates:read", "journeys:read", "messages:read"],
        [Role.Editor] =
        [
            "contacts:read", "segments:read", "templates:read", "journeys:read", "messages:read",
            "contacts:write", "segments:write", "templates:write", "journeys:write",
        ],
        [Role.Publisher] =
        [
            "contacts:read", "segments:read", "templates:read", "journeys:read", "messages:read",
            "contacts:write", "segments:write", "templates:write", "journeys:write", "journeys:publish", "events:write",
        ],
        [Role.Admin] =
        [
            "contacts:read", "segments:read", "templates:read", "journeys:read", "messages:read",
            "contacts:write", "segments:write", "templates:write", "journeys:write", "journeys:publish", "events:write", "webhooks:read", "webhooks:write", "admin", "cluster:read",
        ],
    };

    // Seen red with an endpoint whose RequireScope was taken out.
    [Fact]
    public async Task Every_endpoint_asks_for_a_scope_or_is_on_a_list()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);

        var wrong = new List<string>();
        foreach (var endpoint in Endpoints(server))
        {
            var (name, scopes) = (NameOf(endpoint), ScopesOf(endpoint));
            if (Open.Contains(name) != endpoint.Route.Metadata.GetMetadata<IAllowAnonymous>() is not null) wrong.Add($"{name} is open, or should be");
            if ((Open.Contains(name) || OpenToAll.Contains(name) || OwnSession.Contains(name)) != (scopes.Count == 0)) wrong.Add($"{name} asks for {scopes.Count} scopes");
            wrong.AddRange(scopes.Except(Scopes.All).Select(scope => $"{name} asks for {scope}"));
        }
        Assert.Empty(wrong);
    }

    // Seen red with publish put back to journeys:read.
    [Fact]
    public async Task What_changes_something_asks_for_more_than_reading()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);

        var wrong = from endpoint in Endpoints(server)
                    let scopes = ScopesOf(endpoint)
                    where scopes.Count > 0 && !scopes.Contains(Scopes.Admin)
                    let reads = endpoint.Method == "GET" || Questions.Contains(NameOf(endpoint))
                    where reads != scopes.All(scope => scope.EndsWith(":read", StringComparison.Ordinal))
                    select $"{NameOf(endpoint)} asks for {string.Join(", ", scopes)}";
        Assert.Empty(wrong);
    }

    // Seen red with Scopes.JourneysPublish added to what an editor holds.
    [Theory]
    [InlineData("viewer")]
    [InlineData("editor")]
    [InlineData("publisher")]
    [InlineData("admin")]
    public async Task A_role_reaches_what_it_may_and_nothing_else(string word)
    {
        var role = Roles.Parse(word);
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var client = await server.SignedInAsync(role);

        var wrong = new List<string>();
        foreach (var endpoint in Endpoints(server).Where(endpoint => !IsOpen(endpoint)))
        {
            var answer = await client.SendAsync(new HttpRequestMessage(new HttpMethod(endpoint.Method), endpoint.Path));
            var text = await answer.Content.ReadAsStringAsync();
            var missing = ScopesOf(endpoint).Except(Allowed[role]).ToList();
            // Studio shows its user no answer but 400, so that its saves are refused with that.
            var refused = answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden || (endpoint.Route.Metadata.GetMetadata<ShowsRefusals>() is not null && text.Contains("but not change", StringComparison.Ordinal));
            if (refused != missing.Count > 0) wrong.Add($"{NameOf(endpoint)}: {answer.StatusCode} {text}");
            else if (refused && !missing.Exists(scope => text.Contains($"'{scope}'", StringComparison.Ordinal))) wrong.Add($"{NameOf(endpoint)} does not say what is missing: {text}");
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task What_is_about_a_session_is_closed_to_keys()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);

        foreach (var endpoint in Endpoints(server).Where(endpoint => OwnSession.Contains(NameOf(endpoint))))
            await (await server.Admin.SendAsync(new HttpRequestMessage(new HttpMethod(endpoint.Method), endpoint.Path))).ProblemAsync(403);
    }

    /// <summary>Every address with each of its methods, as a request can be made to it.</summary>
    internal static IEnumerable<(string Method, string Path, RouteEndpoint Route)> Endpoints(ServerUnderTest server) =>
        from source in server.Services.GetServices<EndpointDataSource>()
        from route in source.Endpoints.OfType<RouteEndpoint>()
        from method in route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        select (method, PathOf(route.RoutePattern), route);

    internal static bool IsOpen((string Method, string Path, RouteEndpoint Route) endpoint) => Open.Contains(NameOf(endpoint));

    private static List<string> ScopesOf((string Method, string Path, RouteEndpoint Route) endpoint) =>
        [.. endpoint.Route.Metadata.GetOrderedMetadata<ScopeNeeded>().Select(needed => needed.Scope)];

    private static string NameOf((string Method, string Path, RouteEndpoint Route) endpoint) =>
        $"{endpoint.Method} /{endpoint.Route.RoutePattern.RawText!.Trim('/')}";

    private static string PathOf(RoutePattern pattern) => "/" + string.Join('/', pattern.PathSegments.Select(segment => string.Concat(segment.Parts.Select(part => part switch
    {
        RoutePatternLiteralPart literal => literal.Content,
        RoutePatternSeparatorPart separator => separator.Content,
        RoutePatternParameterPart { ParameterPolicies: [{ Content: "int" }, ..] } => "1",
        _ => "v1",
    }))));
}
