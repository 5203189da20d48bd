using System.Net;
using System.Net.Http.Json;
using MailFlow.Server.Access;
using MailFlow.Server.Hosting;
using MailFlow.Testing;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace MailFlow.Server.Tests;

/// <summary>What somebody who guesses meets.</summary>
public sealed class SignInTests
{
    private const string Someone = "ada@example.org";
    private static readonly IPAddress Here = IPAddress.Parse("192.0.2.1");

    [Fact]
    public async Task A_wrong_password_an_unknown_address_and_a_disabled_user_are_answered_alike()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        await server.SignedInAsync(Role.Viewer);
        await server.Admin.PutAsJsonAsync($"/api/v1/users/{await UserTests.IdOfAsync(server, "viewer@example.org")}", new { disabled = true });

        var answers = new List<string>();
        foreach (var (email, password) in new[] { (FirstStart.AdminEmail, "wrong"), ("nobody@example.org", "wrong"), ("viewer@example.org", ServerUnderTest.Password), (FirstStart.AdminEmail, new string('x', 5000)) })
        {
            var answer = await server.Browser().PostAsJsonAsync("/api/v1/session", new { email, password });
            await answer.ProblemAsync(401);
            Assert.False(answer.Headers.Contains("Set-Cookie"));
            answers.Add(await answer.Content.ReadAsStringAsync());
        }

        Assert.Single(answers.Distinct());
    }

    // Seen red with an answer given before the hash was made: nobody's took none.
    [Fact]
    public async Task An_unknown_user_costs_as_much_as_a_known_one()
    {
        var hasher = new CountingHasher();
        using var passwords = new Passwords(hasher);
        var hash = await passwords.HashAsync("right password", default);
        var before = hasher.Verified;

        Assert.Equal(PasswordVerificationResult.Failed, await passwords.VerifyAsync(null, "right password", default));
        Assert.Equal(before + 1, hasher.Verified);
        Assert.Equal(PasswordVerificationResult.Success, await passwords.VerifyAsync(hash, "right password", default));
        Assert.Equal(PasswordVerificationResult.Failed, await passwords.VerifyAsync(hash, "wrong", default));
        Assert.Equal(before + 3, hasher.Verified);
    }

    [Fact]
    public void A_guess_costs_what_owasp_asks_for() => Assert.True(Passwords.Iterations >= 210_000);

    [Fact]
    public async Task A_hash_of_lower_cost_is_made_anew_at_the_next_sign_in()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var users = server.Services.GetRequiredService<Users>();
        using var cheaper = new Passwords(new PasswordHasher<UserCredentials>(Options.Create(new PasswordHasherOptions { IterationCount = 10 })));
        var id = (await users.FindByEmailAsync(FirstStart.AdminEmail, default))!.User.Id;
        var cheap = await cheaper.HashAsync(ServerUnderTest.Password, default);
        await users.ChangeAsync(FirstStart.AccountId, id, new UserChange(PasswordHash: cheap), default);

        var browser = await server.SignedInAsync(FirstStart.AdminEmail, ServerUnderTest.Password);

        Assert.NotEqual(cheap, (await users.FindByEmailAsync(FirstStart.AdminEmail, default))!.PasswordHash);
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/api/v1/session")).StatusCode);
    }

    // Seen red without the throttle.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task After_five_wrong_passwords_even_the_right_one_must_wait(DatabaseKind kind)
    {
        var time = new FakeTime();
        await using var server = await ServerUnderTest.StartAsync(kind, workers: false, time: time);
        async Task<HttpResponseMessage> TryAsync(string password) => await server.Browser().PostAsJsonAsync("/api/v1/session", new { email = FirstStart.AdminEmail, password });

        for (var i = 0; i < SignInThrottle.MostForEmailFromAddress; i++) await (await TryAsync("wrong")).ProblemAsync(401);
        time.Advance(TimeSpan.FromMinutes(5));
        var throttled = await TryAsync(server.AdminPassword);

        await throttled.ProblemAsync(429);
        Assert.Equal(TimeSpan.FromMinutes(10), throttled.Headers.RetryAfter!.Delta);
        time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(HttpStatusCode.OK, (await TryAsync(server.AdminPassword)).StatusCode);
    }

    [Fact]
    public async Task A_stolen_session_is_no_way_to_try_passwords()
    {
        await using var server = await ServerUnderTest.StartAsync(workers: false);
        var browser = await server.SignedInAsync(Role.Viewer);

        for (var i = 0; i < SignInThrottle.MostForEmailFromAddress; i++)
            await (await browser.PutAsJsonAsync("/api/v1/session/password", new { current = "wrong", @new = "a new long password" })).ProblemAsync(400);

        await (await browser.PutAsJsonAsync("/api/v1/session/password", new { current = ServerUnderTest.Password, @new = "a new long password" })).ProblemAsync(429);
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Tries_are_bounded_for_an_address_and_for_an_e_mail_from_anywhere(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind, null, typeof(SignInThrottle).Assembly);
        var throttle = new SignInThrottle(database.Database);

        for (var i = 0; i < SignInThrottle.MostFromAddress; i++) Assert.Null(await throttle.BeginAsync($"u{i}@example.org", Here, default));
        Assert.NotNull(await throttle.BeginAsync("another@example.org", Here, default));

        for (var i = 0; i < SignInThrottle.MostForEmail; i++) Assert.Null(await throttle.BeginAsync(Someone, new IPAddress([198, 51, 100, (byte)i]), default));
        Assert.NotNull(await throttle.BeginAsync(Someone.ToUpperInvariant(), new IPAddress([198, 51, 100, 255]), default));
        Assert.Null(await throttle.BeginAsync("another@example.org", new IPAddress([198, 51, 100, 255]), default));
    }

    [Fact]
    public async Task A_network_of_ipv6_counts_as_one_address()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, null, typeof(SignInThrottle).Assembly);
        var throttle = new SignInThrottle(database.Database);

        for (var i = 0; i < SignInThrottle.MostForEmailFromAddress; i++) Assert.Null(await throttle.BeginAsync(Someone, IPAddress.Parse($"2001:db8::{i}"), default));

        Assert.NotNull(await throttle.BeginAsync(Someone, IPAddress.Parse("2001:db8::ffff"), default));
        Assert.Null(await throttle.BeginAsync(Someone, IPAddress.Parse("2001:db8:0:1::1"), default));
    }

    // Seen red without the bound.
    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Many_tries_at_once_are_no_more_than_one_after_another(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind, null, typeof(SignInThrottle).Assembly);
        var throttle = new SignInThrottle(database.Database);

        var waits = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => throttle.BeginAsync(Someone, Here, default)));

        Assert.Equal(SignInThrottle.MostForEmailFromAddress, waits.Count(wait => wait is null));
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Who_signs_in_is_not_counted_and_does_not_clear_the_address_for_guessing_others(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind, null, typeof(SignInThrottle).Assembly);
        var throttle = new SignInThrottle(database.Database);

        for (var i = 0; i < 100; i++)
        {
            Assert.Null(await throttle.BeginAsync(Someone, Here, default));
            await throttle.SucceededAsync(Someone, Here, default);
        }
        for (var i = 0; i < SignInThrottle.MostFromAddress; i++)
        {
            Assert.Null(await throttle.BeginAsync($"u{i}@example.org", Here, default));
            if (i == SignInThrottle.MostFromAddress - 1) break;
            Assert.Null(await throttle.BeginAsync(Someone, Here, default));
            await throttle.SucceededAsync(Someone, Here, default);
        }
        Assert.NotNull(await throttle.BeginAsync("another@example.org", Here, default));
    }

    private sealed class CountingHasher : IPasswordHasher<UserCredentials>
    {
        private readonly PasswordHasher<UserCredentials> _hasher = new();

        public int Verified { get; private set; }

        public string HashPassword(UserCredentials user, string password) => _hasher.HashPassword(user, password);

        public PasswordVerificationResult VerifyHashedPassword(UserCredentials user, string hashedPassword, string providedPassword)
        {
            Verified++;
            return _hasher.VerifyHashedPassword(user, hashedPassword, providedPassword);
        }
    }
}
