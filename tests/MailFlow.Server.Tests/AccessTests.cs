using System.Net;
using System.Net.Http.Json;
using MailFlow.Server.Elsa;
using MailFlow.Testing;

namespace MailFlow.Server.Tests;

/// <summary>Who may reach what.</summary>
public sealed class AccessTests
{
    [Fact]
    public async Task Without_a_key_every_closed_endpoint_answers_401_and_says_how_to_send_one()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var nobody = server.ClientWith(key: null);

        foreach (var (method, path, route) in EndpointAccessTests.Endpoints(server).Where(endpoint => !EndpointAccessTests.IsOpen(endpoint)))
        {
            var answer = await nobody.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
            if (route.Metadata.GetMetadata<ShowsRefusals>() is not null)
            {
                Assert.Contains("Sign in", (await answer.ProblemAsync(400)).GetProperty("detail").GetString());
                continue;
            }

            var problem = await answer.ProblemAsync(401);
            Assert.Contains("Authorization: Bearer", problem.GetProperty("detail").GetString());
            Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.Single().Scheme);
        }
    }

    [Theory]
    [InlineData("Bearer", "mf_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("Bearer", "")]
    [InlineData("Bearer", "' OR 1=1 --")]
    [InlineData("Basic", "YWRtaW46YWRtaW4=")]
    public async Task A_wrong_key_answers_401(string scheme, string parameter)
    {
        await using var server = await ServerUnderTest.StartAsync();
        var client = server.ClientWith(key: null);
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"{scheme} {parameter}");

        await (await client.GetAsync("/api/v1/api-keys")).ProblemAsync(401);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task A_key_does_what_its_scopes_say_and_no_more_until_it_is_revoked(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);
        var made = await (await server.Admin.PostAsJsonAsync("/api/v1/api-keys", new { name = "reader", scopes = new[] { "messages:read" } })).JsonAsync();
        var client = server.ClientWith(made.GetProperty("key").GetString());

        var forbidden = await (await client.GetAsync("/api/v1/api-keys")).ProblemAsync(403);
        Assert.Contains("'admin'", forbidden.GetProperty("detail").GetString());
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/openapi/v1.json")).StatusCode);

        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.DeleteAsync($"/api/v1/api-keys/{made.GetProperty("id").GetString()}")).StatusCode);
        await (await client.GetAsync("/openapi/v1.json")).ProblemAsync(401);
    }

    [Fact]
    public async Task The_last_key_of_an_administrator_cannot_be_revoked()
    {
        await using var server = await ServerUnderTest.StartAsync();
        var id = (await (await server.Admin.GetAsync("/api/v1/api-keys")).JsonAsync()).GetProperty("items")[0].GetProperty("id").GetString();

        await (await server.Admin.DeleteAsync($"/api/v1/api-keys/{id}")).ProblemAsync(409);
        await (await server.Admin.DeleteAsync($"/api/v1/api-keys/{Guid.Empty}")).ProblemAsync(404);
        await (await server.Admin.DeleteAsync("/api/v1/api-keys/nonsense")).ProblemAsync(404);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Neither_the_database_nor_a_list_holds_a_secret(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind);

        var list = await server.Admin.GetStringAsync("/api/v1/api-keys");
        var kept = await server.Database.ReadAsync(session => session.QueryAsync("SELECT name, prefix FROM api_key", row => row.Text(0) + row.Text(1), default), default);

        Assert.Contains(server.AdminKey[..11], list);
        Assert.DoesNotContain(server.AdminKey[..20], list + string.Concat(kept));
    }
}
