using System.Data.Common;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using MailFlow.Data;
using Microsoft.AspNetCore.DataProtection;

namespace MailFlow.Server.Access;

/// <summary>Seals with the framework's data protection, whose keys never expire for what is only opened: a secret sealed years ago opens as long as its key is kept.</summary>
internal sealed class SecretBox(IDataProtectionProvider protection) : ISecretBox
{
    private readonly IDataProtector _protector = protection.CreateProtector("MailFlow.Secrets.v1");

    public string Seal(string secret) => _protector.Protect(secret);

    public string Open(string stored)
    {
        try
        {
            return _protector.Unprotect(stored);
        }
        catch (CryptographicException error) when (error.InnerException is DbException away)
        {
            ExceptionDispatchInfo.Throw(away); // the keys could not be read for the moment
            throw;
        }
        catch (CryptographicException error)
        {
            throw new SecretLostException(error);
        }
    }
}
