namespace MailFlow.Data;

/// <summary>A parameter or column value that holds JSON: <c>jsonb</c> on PostgreSQL, text on SQLite.</summary>
public readonly record struct JsonText(string Text);
