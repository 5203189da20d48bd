using System.Xml.Linq;
using MailFlow.Data;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace MailFlow.Server.Access;

/// <summary>
/// Keeps the keys that seal session cookies in the database: a restart keeps sessions, and nodes open each other's. The framework asks
/// without async, rarely: at the start and when a key is near its end.
/// </summary>
internal sealed class DataProtectionKeys(Database database) : IXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        using var lifted = AccountWall.Lift(); // a request may be the first to want them; they are no account's
        return database.ReadAsync(session => session.QueryAsync(
            "SELECT xml FROM data_protection_key ORDER BY created_at", row => XElement.Parse(row.Text(0)), default), default).GetAwaiter().GetResult();
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        using var lifted = AccountWall.Lift();
        database.WriteAsync(async session => await session.ExecuteAsync(
            "INSERT INTO data_protection_key (name, xml, created_at) VALUES (@name, @xml, @now)", default,
            ("name", friendlyName), ("xml", element.ToString(SaveOptions.DisableFormatting)), ("now", await session.NowAsync(default))), default).GetAwaiter().GetResult();
    }
}
