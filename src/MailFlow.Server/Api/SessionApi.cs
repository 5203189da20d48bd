using MailFlow.Data;
using MailFlow.Server.Access;
using MailFlow.Server.Hosting;
using MailFlow.Server.Http;
using Microsoft.AspNetCore.Authentication;

namespace MailFlow.Server.Api;

/// <summary>Signing in and out, and what is about oneself.</summary>
internal static class SessionApi
{
    private const string Path = "/session";

    /// <param name="Email">Who signs in.</param>
    /// <param name="Password">The password.</param>
    internal sealed record Credentials(string? Email, string? Password);

    /// <param name="Current">The password so far.</param>
    /// <param name="New">The password from now on, 12 to 256 characters.</param>
    internal sealed record PasswordInput(string? Current, string? New);

    /// <param name="Email">Who is signed in.</param>
    /// <param name="Name">The name others see.</param>
    /// <param name="Role">viewer, editor, publisher or admin.</param>
    internal sealed record SignedIn(string Email, string Name, Role Role);

    public static void MapSession(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup(Path).WithTags("Session");
        // Another site's form cannot send JSON, so that nobody is signed in as somebody else unawares.
        group.MapPost("", SignInAsync).AllowAnonymous().WithMetadata(new NeverReplayed()).WithSummary("Sign in: the answer sets the session's cookie")
            .Produces<SignedIn>().Produces(401, contentType: Problems.ContentType).Produces(429, contentType: Problems.ContentType);
        group.MapGet("", FindAsync).RequireSignedIn().WithSummary("Read who is signed in").Produces<SignedIn>().Produces(401, contentType: Problems.ContentType);
        group.MapDelete("", SignOutAsync).AllowAnonymous().WithSummary("Sign out").Produces(204);
        group.MapPut("/password", ChangePasswordAsync).RequireSignedIn().WithSummary("Change one's own password; one's other sessions end").Produces(204)
            .Produces(429, contentType: Problems.ContentType);
    }

    private static async Task<IResult> SignInAsync(Body<Credentials> body, HttpContext context, SignIn signIn, CancellationToken ct)
    {
        var (email, password) = body.Value;
        if (string.IsNullOrWhiteSpace(email)) throw new InvalidInputException("email", "is missing");
        if (string.IsNullOrEmpty(password)) throw new InvalidInputException("password", "is missing");
        if (await signIn.TryAsync(email, password, context.Connection.RemoteIpAddress, ct) is not var (user, session))
            return Problems.Result(StatusCodes.Status401Unauthorized, "The e-mail address or the password is wrong.");
        await SessionCookie.GiveAsync(context, session);
        return Results.Ok(new SignedIn(user.Email, user.Name, user.Role));
    }

    private static async Task<SignedIn> FindAsync(Caller caller, Users users, CancellationToken ct)
    {
        var user = await users.FindAsync(caller.AccountId, caller.UserId!.Value, ct) ?? throw new HttpProblem(StatusCodes.Status401Unauthorized, "Your session has ended: sign in again.");
        return new(user.Email, user.Name, user.Role);
    }

    private static async Task<IResult> SignOutAsync(HttpContext context, Sessions sessions, CancellationToken ct)
    {
        if (Guid.TryParse(context.User.FindFirst(SessionCookie.SessionClaim)?.Value, out var session)) await sessions.EndAsync(session, ct);
        await context.SignOutAsync(SessionCookie.SchemeName);
        return Results.NoContent();
    }

    private static async Task<IResult> ChangePasswordAsync(Body<PasswordInput> body, HttpContext context, Caller caller, Users users, SignIn signIn, Settings settings, CancellationToken ct)
    {
        if (string.IsNullOrEmpty(body.Value.Current)) throw new InvalidInputException("current", "is missing");
        var user = await users.FindCredentialsAsync(caller.AccountId, caller.UserId!.Value, ct) ?? throw new HttpProblem(StatusCodes.Status401Unauthorized, "Your session has ended: sign in again.");
        var replacement = Passwords.Check(body.Value.New, "new", user.User.Email);
        if (await signIn.ChangePasswordAsync(user, body.Value.Current, replacement, context.Connection.RemoteIpAddress, ct) is not { } session)
            throw new InvalidInputException("current", "is not your password");
        await SessionCookie.GiveAsync(context, session);
        if (user.User.Email == FirstStart.AdminEmail) File.Delete(settings.AdminPasswordFile); // what it says is no longer so
        return Results.NoContent();
    }
}
