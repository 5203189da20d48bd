using Microsoft.Data.Sqlite;

namespace MailFlow.Data;

/// <summary>Functions that PostgreSQL's schema defines in SQL, so that one statement serves both.</summary>
internal static class SqliteFunctions
{
    public static void Register(SqliteConnection connection)
    {
        // The members of the patch replace those of the document; a null removes. One level deep, as RFC 7396 would
        // merge deeper and the two databases must agree.
        connection.CreateFunction("json_patch_members", (string document, string patch) => JsonData.PatchMembers(document, patch), isDeterministic: true);
    }
}
