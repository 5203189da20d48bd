using System.Net;
using System.Net.Http.Json;
using MailFlow.Server.Access;
using MailFlow.Server.Hosting;
using MailFlow.Testing;
using static MailFlow.Server.Tests.HttpExtensions;

namespace MailFlow.Server.Tests;

/// <summary>Who may sign in, and the administrator that the first start makes.</summary>
public sealed class UserTests
{
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_administrator_makes_changes_and_deletes_users(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);

        var made = await server.Admin.PostAsJsonAsync("/api/v1/users", new { email = "Ada@Example.org", name = "Ada", role = "editor", password = ServerUnderTest.Password });
        var id = (await made.JsonAsync()).GetProperty("id").GetString();
        await server.SignedInAsync("ada@example.org", ServerUnderTest.Password);
        var listed = (await (await server.Admin.GetAsync("/api/v1/users")).JsonAsync()).GetProperty("items").EnumerateArray().ToList();

        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        Assert.Equal(["Ada@Example.org", "admin@localhost"], listed.Select(user => user.GetProperty("email").GetString()));
        Assert.Equal(["created_at", "disabled", "email", "id", "last_sign_in_at", "name", "role"], listed[0].EnumerateObject().Select(member => member.Name).Order());
        Assert.True(listed[0].GetProperty("last_sign_in_at").GetDateTimeOffset() >= listed[0].GetProperty("created_at").GetDateTimeOffset());

        var changed = await (await server.Admin.PutAsync($"/api/v1/users/{id}", Json("""{"name":"Ada L.","email":"ada.l@example.org"}"""))).JsonAsync();
        Assert.Equal(("Ada L.", "ada.l@example.org", "editor"), (changed.GetProperty("name").GetString(), changed.GetProperty("email").GetString(), changed.GetProperty("role").GetString()));

        Assert.Equal(HttpStatusCode.NoContent, (await server.Admin.DeleteAsync($"/api/v1/users/{id}")).StatusCode);
        await (await server.Admin.DeleteAsync($"/api/v1/users/{id}")).ProblemAsync(404);
        await (await server.Admin.PutAsync($"/api/v1/users/{id}", Json("{}"))).ProblemAsync(404);
        await (await server.Admin.PutAsync("/api/v1/users/nonsense", Json("{}"))).ProblemAsync(404);
    }

    [Theory]
    [InlineData("email", """{"role":"viewer","password":"a long enough password"}""")]
    [InlineData("email", """{"email":"no address","role":"viewer","password":"a long enough password"}""")]
    [InlineData("role", """{"email":"ada@example.org","password":"a long enough password"}""")]
    [InlineData("role", """{"email":"ada@example.org","role":"owner","password":"a long enough password"}""")]
    [InlineData("name", """{"email":"ada@example.org","name":" ","role":"viewer","password":"a long enough password"}""")]
    [InlineData("password", """{"email":"ada@example.org","role":"viewer"}""")]
    [InlineData("password", """{"email":"ada@example.org","role":"viewer","password":"too short"}""")]
    [InlineData("password", """{"email":"ada@example.org","role":"viewer","password":"aaaaaaaaaaaaaaaa"}""")]
    [InlineData("password", """{"email":"ada@example.org","role":"viewer","password":"Ada@Example.org!"}""")]
    public async Task What_is_wrong_with_a_user_is_named(string field, string body)
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);

        var problem = await (await server.Admin.PostAsync("/api/v1/users", Json(body))).ProblemAsync(400);

        Assert.Equal(field, problem.GetProperty("errors").EnumerateObject().Single().Name);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_address_belongs_to_one_user(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        await server.SignedInAsync(Role.Viewer);
        await server.SignedInAsync(Role.Editor);

        await (await server.Admin.PostAsJsonAsync("/api/v1/users", new { email = "VIEWER@example.org", role = "viewer", password = ServerUnderTest.Password })).ProblemAsync(409);
        await (await server.Admin.PutAsync($"/api/v1/users/{await IdOfAsync(server, "viewer@example.org")}", Json("""{"email":"editor@example.org"}"""))).ProblemAsync(409);
    }

    // Seen red without KeepAnAdmin.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task The_last_who_can_administer_stays(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        var path = $"/api/v1/users/{await IdOfAsync(server, FirstStart.AdminEmail)}";

        await (await server.Admin.DeleteAsync(path)).ProblemAsync(409);
        foreach (var change in new[] { """{"disabled":true}""", """{"role":"publisher"}""" }) await (await server.Admin.PutAsync(path, Json(change))).ProblemAsync(409);
        await server.SignedInAsync(Role.Admin);
        Assert.Equal(HttpStatusCode.OK, (await server.Admin.PutAsync(path, Json("""{"disabled":true}"""))).StatusCode);
        await (await server.Admin.DeleteAsync($"/api/v1/users/{await IdOfAsync(server, "admin@example.org")}")).ProblemAsync(409);
    }

    [Fact]
    public async Task The_first_start_writes_a_working_password_for_its_owners_eyes_only_and_later_starts_none()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var file = Path.Combine(server.DataDirectory, "admin.password");
        var admin = await server.SignedInAsync(FirstStart.AdminEmail, server.AdminPassword);

        Assert.Null(await server.Services.GetRequiredService<FirstStart>().MakeAdminAsync(default));
        Assert.Equal(24, server.AdminPassword.Length);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        await admin.PutAsJsonAsync("/api/v1/session/password", new { current = server.AdminPassword, @new = ServerUnderTest.Password });
        Assert.False(File.Exists(file));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task An_operator_can_have_the_administrator_back_whatever_became_of_it(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        var start = server.Services.GetRequiredService<FirstStart>();
        var old = await server.SignedInAsync(FirstStart.AdminEmail, server.AdminPassword);
        await server.SignedInAsync(Role.Admin);
        var path = $"/api/v1/users/{await IdOfAsync(server, FirstStart.AdminEmail)}";
        await server.Admin.PutAsync(path, Json("""{"disabled":true,"role":"viewer"}"""));
        for (var i = 0; i <= SignInThrottle.MostForEmailFromAddress; i++)
            await server.Browser().PostAsJsonAsync("/api/v1/session", new { email = FirstStart.AdminEmail, password = "wrong" });

        Assert.Equal(await start.ResetAdminAsync(default), server.AdminPassword);
        Assert.Equal(HttpStatusCode.OK, (await (await server.SignedInAsync(FirstStart.AdminEmail, server.AdminPassword)).GetAsync("/api/v1/users")).StatusCode);
        await (await old.GetAsync("/api/v1/session")).ProblemAsync(401);

        await server.Admin.DeleteAsync(path);
        await start.ResetAdminAsync(default);
        await server.SignedInAsync(FirstStart.AdminEmail, server.AdminPassword);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Accounts_never_see_each_others_users(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);
        var other = await AccountIsolationTests.SecondAccountAsync(server);
        var mine = await IdOfAsync(server, FirstStart.AdminEmail);

        Assert.Empty((await (await other.GetAsync("/api/v1/users")).JsonAsync()).GetProperty("items").EnumerateArray());
        await (await other.PutAsync($"/api/v1/users/{mine}", Json("""{"password":"a stolen password"}"""))).ProblemAsync(404);
        await (await other.DeleteAsync($"/api/v1/users/{mine}")).ProblemAsync(404);
        await other.PostAsJsonAsync("/api/v1/users", new { email = "them@example.org", role = "admin", password = ServerUnderTest.Password });
        var them = await server.SignedInAsync("them@example.org", ServerUnderTest.Password);
        Assert.Equal("them@example.org", (await (await them.GetAsync("/api/v1/users")).JsonAsync()).GetProperty("items").EnumerateArray().Single().GetProperty("email").GetString());
        await server.Admin.PutAsJsonAsync("/api/v1/contacts/u1", new { first_name = "Ada" });
        await (await them.GetAsync("/api/v1/contacts/u1")).ProblemAsync(404);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task No_password_is_kept_or_listed(DatabaseKind kind)
    {
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false);

        var kept = await server.Database.ReadAsync(session => session.QueryAsync("SELECT email, name, password_hash FROM console_user", row => row.Text(0) + row.Text(1) + row.Text(2), default), default);

        Assert.DoesNotContain(server.AdminPassword, string.Concat(kept));
        Assert.DoesNotContain("password", await server.Admin.GetStringAsync("/api/v1/users"));
    }

    internal static async Task<string?> IdOfAsync(ServerUnderTest server, string email) =>
        (await (await server.Admin.GetAsync("/api/v1/users")).JsonAsync()).GetProperty("items").EnumerateArray().Single(user => user.GetProperty("email").GetString() == email).GetProperty("id").GetString();
}
