namespace MailFlow.Server.Access;

/// <summary>A person who signs in to the console. The password's hash is not in it.</summary>
/// <param name="Id">Names the user in the API.</param>
/// <param name="Email">What is typed to sign in.</param>
/// <param name="Name">What others in the account see.</param>
/// <param name="Role">What the user may do.</param>
/// <param name="Disabled">Whether signing in is refused.</param>
/// <param name="CreatedAt">When the user was made.</param>
/// <param name="LastSignInAt">When the user last signed in.</param>
internal sealed record User(Guid Id, int AccountId, string Email, string Name, Role Role, bool Disabled, DateTimeOffset CreatedAt, DateTimeOffset? LastSignInAt);

/// <summary>A user with what signing in needs.</summary>
/// <param name="PasswordHash">As <see cref="Passwords"/> made it.</param>
/// <param name="Stamp">What the user's sessions must carry.</param>
internal sealed record UserCredentials(User User, string PasswordHash, Guid Stamp);

/// <summary>What is to change in a user; null leaves it.</summary>
internal sealed record UserChange(string? Email = null, string? Name = null, Role? Role = null, bool? Disabled = null, string? PasswordHash = null)
{
    /// <summary>Whether sessions begun before it must end.</summary>
    public bool EndsSessions(User before) =>
        PasswordHash is not null || (Role is { } role && role != before.Role) || (Disabled is { } disabled && disabled != before.Disabled);
}
