using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Server.Access;
using MailFlow.Server.Http;

namespace MailFlow.Server.Api;

/// <summary>The people of an account, for its administrators.</summary>
internal static partial class UsersApi
{
    private const int LongestName = 100;

    /// <param name="Email">What is typed to sign in.</param>
    /// <param name="Name">What others see; the address if not said.</param>
    /// <param name="Role">viewer, editor, publisher or admin.</param>
    /// <param name="Password">12 to 256 characters. When changed, the user's sessions end.</param>
    internal sealed record NewUser(string? Email, string? Name, string? Role, string? Password);

    /// <param name="Email">What is typed to sign in.</param>
    /// <param name="Name">What others see.</param>
    /// <param name="Role">viewer, editor, publisher or admin. When changed, the user's sessions end.</param>
    /// <param name="Disabled">Whether signing in is refused. When set, the user's sessions end.</param>
    /// <param name="Password">12 to 256 characters. When changed, the user's sessions end.</param>
    internal sealed record UserInput(string? Email, string? Name, string? Role, bool? Disabled, string? Password);

    /// <param name="Id">Names the user.</param>
    /// <param name="Email">What is typed to sign in.</param>
    /// <param name="Name">What others see.</param>
    /// <param name="Role">viewer, editor, publisher or admin.</param>
    /// <param name="Disabled">Whether signing in is refused.</param>
    /// <param name="CreatedAt">When the user was made.</param>
    /// <param name="LastSignInAt">When the user last signed in.</param>
    internal sealed record ConsoleUser(Guid Id, string Email, string Name, Role Role, bool Disabled, DateTimeOffset CreatedAt, DateTimeOffset? LastSignInAt);

    public static void MapUsers(this IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/users").RequireScope(Scopes.Admin).WithTags("Users");
        group.MapGet("", ListAsync).WithSummary("List who may sign in, by e-mail").Produces<Page<ConsoleUser>>();
        // Not replayed: what is kept for that would hold a plain hash over the password.
        group.MapPost("", CreateAsync).WithMetadata(new NeverReplayed()).WithSummary("Let somebody sign in").Produces<ConsoleUser>(201);
        group.MapPut("/{id}", ChangeAsync).WithSummary("Change a user: what is given is set").Produces<ConsoleUser>();
        group.MapDelete("/{id}", DeleteAsync).WithSummary("Delete a user; the last administrator stays").Produces(204);
    }

    private static async Task<Page<ConsoleUser>> ListAsync([AsParameters] Paging paging, Caller caller, Users users, CancellationToken ct)
    {
        var page = await users.ListAsync(caller.AccountId, paging.Cursor, paging.Size, ct);
        return new([.. page.Items.Select(Show)], page.Next);
    }

    private static async Task<IResult> CreateAsync(
        Body<NewUser> body, Caller caller, Users users, Passwords passwords, ILogger<Users> log, CancellationToken ct)
    {
        var input = body.Value;
        var email = CheckEmail(input.Email ?? throw new InvalidInputException("email", "is missing"));
        var (name, role) = (CheckName(input.Name ?? email), Roles.Parse(input.Role));
        var hash = await passwords.HashAsync(Passwords.Check(input.Password, "password", email), ct);
        var user = await users.CreateAsync(caller.AccountId, email, name, role, hash, ct);
        Made(log, user.Id, role, caller.AccountId, caller.Name);
        return Results.Created($"/api/v1/users/{user.Id}", Show(user));
    }

    private static async Task<ConsoleUser> ChangeAsync(
        string id, Body<UserInput> body, Caller caller, Users users, Passwords passwords, Sessions sessions, ILogger<Users> log, CancellationToken ct)
    {
        var (input, key) = (body.Value, Key(id));
        var before = await users.FindAsync(caller.AccountId, key, ct) ?? throw Users.NotThere(id);
        var email = input.Email is null || input.Email == before.Email ? before.Email : CheckEmail(input.Email);
        var hash = input.Password is null ? null : await passwords.HashAsync(Passwords.Check(input.Password, "password", email), ct);
        var user = await users.ChangeAsync(caller.AccountId, key, new UserChange(email, input.Name is null ? null : CheckName(input.Name),
            input.Role is null ? null : Roles.Parse(input.Role), input.Disabled, hash), ct);
        sessions.Forget();
        Changed(log, user.Id, user.Role, user.Disabled, hash is not null, caller.AccountId, caller.Name);
        return Show(user);
    }

    private static async Task<IResult> DeleteAsync(string id, Caller caller, Users users, Sessions sessions, ILogger<Users> log, CancellationToken ct)
    {
        var key = Key(id);
        await users.DeleteAsync(caller.AccountId, key, ct);
        sessions.Forget();
        Deleted(log, key, caller.AccountId, caller.Name);
        return Results.NoContent();
    }

    private static string CheckEmail(string email) =>
        EmailAddress.IsValid(email.Trim()) ? email.Trim() : throw new InvalidInputException("email", "is not an e-mail address");

    private static string CheckName(string name) =>
        name.Trim() is { Length: > 0 and <= LongestName } trimmed ? trimmed : throw new InvalidInputException("name", $"must be 1 to {LongestName} characters");

    private static Guid Key(string id) => Guid.TryParse(id, out var key) ? key : throw Users.NotThere(id);

    private static ConsoleUser Show(User user) => new(user.Id, user.Email, user.Name, user.Role, user.Disabled, user.CreatedAt, user.LastSignInAt);

    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "User {User} was made as {Role} of account {Account} by {By}")]
    private static partial void Made(ILogger log, Guid user, Role role, int account, string by);

    [LoggerMessage(EventId = 2, Level = LogLevel.Information,
        Message = "User {User} was changed (role {Role}, disabled {Disabled}, password {PasswordChanged}) in account {Account} by {By}")]
    private static partial void Changed(ILogger log, Guid user, Role role, bool disabled, bool passwordChanged, int account, string by);

    [LoggerMessage(EventId = 3, Level = LogLevel.Information, Message = "User {User} of account {Account} was deleted by {By}")]
    private static partial void Deleted(ILogger log, Guid user, int account, string by);
}
