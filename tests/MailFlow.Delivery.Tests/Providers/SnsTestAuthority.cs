using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using MailFlow.Delivery.Providers.AmazonSes;
using MailFlow.Delivery.Providers.Http;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Providers;

/// <summary>SNS as far as a receiver sees it: an authority, a certificate at an address of SNS, signed envelopes, and who asked for which address.</summary>
internal sealed class SnsTestAuthority : HttpMessageHandler
{
    public const string Topic = "arn:aws:sns:eu-central-1:123456789012:mail", CertificateUrl = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0011aabb.pem";

    private static readonly DateTimeOffset Start = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero), End = new(2028, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly X509Certificate2 _root;
    private readonly Dictionary<string, string> _pems = [];
    private readonly RSA _key = RSA.Create(2048);

    public SnsTestAuthority()
    {
        var root = new CertificateRequest("CN=Test Root", RSA.Create(2048), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        root.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _root = root.CreateSelfSigned(Start, End);
        _pems[CertificateUrl] = Issue("sns.amazonaws.com", _key);
        var time = new FakeTime();
        var http = new ProviderHttp(time, this);
        Webhook = new SesWebhook(http, new SnsCertificates(http, () =>
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
            policy.CustomTrustStore.Add(_root);
            return policy;
        }));
    }

    public SesWebhook Webhook { get; }

    /// <summary>Every address that was asked for.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>What a confirmation is answered with.</summary>
    public HttpStatusCode ConfirmationAnswer { get; set; } = HttpStatusCode.OK;

    /// <summary>Puts a certificate of this name at an address, with this key or another's.</summary>
    public void Serve(string url, string name, bool trusted = true)
    {
        if (trusted) _pems[url] = Issue(name, _key);
        else
        {
            var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            _pems[url] = request.CreateSelfSigned(Start, End).ExportCertificatePem();
        }
    }

    /// <summary>A signed envelope.</summary>
    public JsonObject Envelope(string message, string type = "Notification", string version = "2", string? topic = null, string? certificateUrl = null, Action<JsonObject>? change = null)
    {
        var envelope = new JsonObject
        {
            ["Type"] = type,
            ["MessageId"] = "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            ["TopicArn"] = topic ?? Topic,
            ["Message"] = message,
            ["Timestamp"] = "2026-01-05T08:59:00.000Z",
            ["SignatureVersion"] = version,
            ["SigningCertURL"] = certificateUrl ?? CertificateUrl,
        };
        if (type != "Notification")
        {
            envelope["Token"] = "2336412f37";
            envelope["SubscribeURL"] = $"https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={topic ?? Topic}&Token=2336412f37";
        }
        change?.Invoke(envelope);
        envelope["Signature"] = Convert.ToBase64String(_key.SignData(
            Encoding.UTF8.GetBytes(StringToSign(envelope)), version == "1" ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        return envelope;
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var url = request.RequestUri!.AbsoluteUri;
        Asked.Enqueue(url);
        return Task.FromResult(_pems.TryGetValue(url, out var pem)
            ? new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(pem) }
            : new HttpResponseMessage(url.Contains("Action=ConfirmSubscription", StringComparison.Ordinal) ? ConfirmationAnswer : HttpStatusCode.NotFound) { Content = new StringContent("") });
    }

    private string Issue(string name, RSA key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(_root, Start.AddDays(1), End.AddDays(-1), [1, 2, 3, (byte)_pems.Count]);
        return issued.ExportCertificatePem();
    }

    /// <summary>As the documentation of SNS has it, written down here once more.</summary>
    private static string StringToSign(JsonObject envelope)
    {
        string[] names = (string?)envelope["Type"] == "Notification"
            ? ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
            : ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
        return string.Concat(names.Where(envelope.ContainsKey).Select(name => $"{name}\n{(string?)envelope[name]}\n"));
    }
}
