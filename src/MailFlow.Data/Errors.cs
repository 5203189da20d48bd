namespace MailFlow.Data;

/// <summary>What a caller gave cannot be taken: names the field and says why.</summary>
public sealed class InvalidInputException(string field, string message) : Exception($"{field}: {message}")
{
    /// <summary>The field, as the caller wrote it: <c>payload.contact.email</c>.</summary>
    public string Field { get; } = field;

    /// <summary>Why, to follow the field's name.</summary>
    public string Problem { get; } = message;
}

/// <summary>What was asked for is not there (or is another account's, which must look the same).</summary>
public sealed class NotFoundException(string message) : Exception(message);

/// <summary>What was asked for cannot be done in the present state.</summary>
public sealed class ConflictException(string message) : Exception(message);
