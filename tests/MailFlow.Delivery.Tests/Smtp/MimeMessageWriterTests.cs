using System.Text;
using System.Text.RegularExpressions;
using MailFlow.Delivery.Providers.Smtp;

namespace MailFlow.Delivery.Tests.Smtp;

public partial class MimeMessageWriterTests
{
    private static readonly MimeMessage Mail = new()
    {
        MessageId = "0198-welcome@mailflow.test",
        Date = new DateTimeOffset(2026, 3, 1, 9, 5, 7, TimeSpan.FromHours(1)),
        From = new Mailbox(EmailAddress.Parse("news@mailflow.test"), "MailFlow News"),
        To = [new Mailbox(EmailAddress.Parse("ada@example.org"), "Ada")],
        Subject = "Welcome",
        Text = "Hello, Ada.\n",
        Html = "<p>Hello, Ada.</p>\n",
    };

    [Fact]
    public void The_whole_of_a_plain_mail()
    {
        Assert.Equal("""
            Message-ID: <0198-welcome@mailflow.test>
            Date: Sun, 01 Mar 2026 09:05:07 +0100
            From: "MailFlow News" <news@mailflow.test>
            To: Ada <ada@example.org>
            Subject: Welcome
            MIME-Version: 1.0
            Content-Type: multipart/alternative;
             boundary="=_BOUNDARY"

            --=_BOUNDARY
            Content-Type: text/plain; charset=utf-8
            Content-Transfer-Encoding: quoted-printable

            Hello, Ada.

            --=_BOUNDARY
            Content-Type: text/html; charset=utf-8
            Content-Transfer-Encoding: quoted-printable

            <p>Hello, Ada.</p>

            --=_BOUNDARY--

            """.ReplaceLineEndings("\r\n"), Boundary().Replace(Written(Mail), "=_BOUNDARY"));
    }

    [Fact]
    public void The_same_mail_is_written_alike_and_another_has_another_boundary()
    {
        Assert.Equal(Written(Mail), Written(Mail with { }));
        Assert.NotEqual(Boundary().Match(Written(Mail)).Value, Boundary().Match(Written(Mail with { MessageId = "other@mailflow.test" })).Value);
    }

    [Theory]
    [InlineData("plain", false)]
    [InlineData("html", true)]
    public void With_one_body_there_is_one_part(string subtype, bool html)
    {
        var written = Written(Mail with { Text = html ? null : "Hi", Html = html ? "<p>Hi" : null });
        Assert.Contains($"Content-Type: text/{subtype}; charset=utf-8\r\n", written, StringComparison.Ordinal);
        Assert.DoesNotContain("multipart", written, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\r")]
    [InlineData("\n")]
    [InlineData("\0")]
    [InlineData("\r\nBcc: everyone@example.org")]
    public void A_line_break_in_any_header_is_refused_by_the_headers_name(string breaking)
    {
        var victim = EmailAddress.Parse("ada@example.org");
        Expect("Subject", Mail with { Subject = "a" + breaking });
        Expect("Subject", Mail with { Subject = "ä" + breaking });
        Expect("From", Mail with { From = new Mailbox(victim, "a" + breaking + "b") });
        Expect("To", Mail with { To = [new Mailbox(victim, "ä" + breaking + "b")] });
        Expect("Reply-To", Mail with { ReplyTo = [new Mailbox(victim, "a" + breaking + "b")] });
        Expect("Message-ID", Mail with { MessageId = "a" + breaking + "@b" });
        Expect("List-Unsubscribe", Mail with { ListUnsubscribe = ["https://a.example/" + breaking] });
        Expect("X-Custom", Mail with { Headers = [new("X-Custom", "a" + breaking)] });
        Assert.Throws<MimeHeaderException>(() => MimeMessageWriter.Write(Mail with { Headers = [new("X-Custom" + breaking, "a")] }));

        static void Expect(string header, MimeMessage mail)
        {
            var refused = Assert.Throws<MimeHeaderException>(() => MimeMessageWriter.Write(mail));
            Assert.Equal(header, refused.Header);
            Assert.StartsWith($"Header {header}: ", refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("Subject")]
    [InlineData("from")]
    [InlineData("Bcc")]
    [InlineData("Content-Type")]
    [InlineData("MIME-version")]
    [InlineData("Two words")]
    [InlineData("Colon:")]
    [InlineData("")]
    [InlineData("Ümlaut")]
    public void A_further_header_cannot_stand_in_for_the_mails_own(string name) =>
        Assert.Throws<MimeHeaderException>(() => MimeMessageWriter.Write(Mail with { Headers = [new(name, "a")] }));

    [Theory]
    [InlineData("Hello")]
    [InlineData("🎉")]
    [InlineData("🎉 Grüße an Dich und alle, die Du magst 🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉")]
    [InlineData("family 👨‍👩‍👧‍👦 and flag 🇩🇪")]
    [InlineData("=?utf-8?B?bm90IHlvdXJz?=")]
    [InlineData("two  blanks,  kept")]
    [InlineData(" blank at either end ")]
    [InlineData("tab\there")]
    [InlineData("price = $5? _really_")]
    [InlineData("a long subject of plain words that has to be folded since it does not fit the seventy-six characters of a line at all")]
    public void A_subject_is_read_back_as_it_was(string subject)
    {
        var line = Headers(Written(Mail with { Subject = subject })).Single(header => header.StartsWith("Subject:", StringComparison.Ordinal));
        Assert.Equal(subject, Decoded(line["Subject: ".Length..]));
    }

    [Fact]
    public void Any_subject_and_name_are_ASCII_in_lines_of_at_most_76()
    {
        var letters = new[] { "a", "é", "第", "🎉", " ", "\"", "\\", ",", "=?", "." };
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var text = "x" + string.Concat(Enumerable.Range(0, random.Next(1, 120)).Select(_ => letters[random.Next(letters.Length)])) + "x";
            var written = Written(Mail with { Subject = text, To = [new Mailbox(EmailAddress.Parse("ada@example.org"), text), new Mailbox(EmailAddress.Parse("eve@example.org"), text)] });
            Assert.All(written.Split("\r\n"), line => Assert.True(line.Length <= 76 && Ascii.IsValid(line), line));
            var headers = Headers(written);
            Assert.Equal(text, Decoded(headers.Single(header => header.StartsWith("Subject:", StringComparison.Ordinal))["Subject: ".Length..]));
        }
    }

    [Theory]
    [InlineData("Ada", "Ada <ada@example.org>")]
    [InlineData("Ada Lovelace", "\"Ada Lovelace\" <ada@example.org>")]
    [InlineData("A. \"Ada\" L\\", "\"A. \\\"Ada\\\" L\\\\\" <ada@example.org>")]
    [InlineData("eve@example.org", "\"eve@example.org\" <ada@example.org>")]
    [InlineData("x> <eve@example.org", "\"x> <eve@example.org\" <ada@example.org>")]
    [InlineData("Jürgen", "=?utf-8?B?SsO8cmdlbg==?= <ada@example.org>")]
    [InlineData("  ", "ada@example.org")]
    [InlineData(null, "ada@example.org")]
    public void A_display_name_is_quoted_or_encoded_as_it_needs(string? name, string written)
    {
        Assert.Contains($"To: {written}\r\n", Written(Mail with { To = [new Mailbox(EmailAddress.Parse("ada@example.org"), name)] }), StringComparison.Ordinal);
    }

    [Fact]
    public void One_click_unsubscribe_writes_both_headers()
    {
        var headers = Headers(Written(Mail with { ListUnsubscribe = ["https://mail.example/u/1", "mailto:u@mail.example"], OneClickUnsubscribe = true }));
        Assert.Contains("List-Unsubscribe: <https://mail.example/u/1>, <mailto:u@mail.example>", headers);
        Assert.Contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click", headers);
        Assert.Throws<MimeHeaderException>(() => MimeMessageWriter.Write(Mail with { ListUnsubscribe = ["mailto:u@mail.example"], OneClickUnsubscribe = true }));
        Assert.Throws<MimeHeaderException>(() => MimeMessageWriter.Write(Mail with { ListUnsubscribe = ["https://mail.example/>, <https://evil.example"] }));
    }

    [Fact]
    public void A_word_that_fits_no_line_is_refused_where_it_cannot_be_encoded()
    {
        var refused = Assert.Throws<MimeHeaderException>(() => MimeMessageWriter.Write(Mail with { ListUnsubscribe = ["https://mail.example/" + new string('x', 1000)] }));
        Assert.Equal("List-Unsubscribe", refused.Header);
    }

    [Theory]
    [InlineData("plain words\n", "quoted-printable")]
    [InlineData("eine Zeile mit ä\n", "quoted-printable")]
    [InlineData("第一回のメールマガジンへようこそ\n", "base64")]
    [InlineData("trailing blank \nand tab\t\n.\n.dot\nFrom here\n=3D\n", "quoted-printable")]
    [InlineData("no line break at the end", "quoted-printable")]
    [InlineData("\n\n\n", "quoted-printable")]
    [InlineData("old\rMac, \r\nWindows and\nUnix\n", "quoted-printable")]
    public void A_body_is_read_back_as_it_was(string text, string encoding)
    {
        var (name, encoded) = BodyEncoding.Encode(text);
        Assert.Equal(encoding, name);
        var expected = text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        Assert.Equal(expected.TrimEnd('\n'), Body(name, encoded).Replace("\r\n", "\n", StringComparison.Ordinal).TrimEnd('\n'));
    }

    [Fact]
    public void Any_body_is_ASCII_in_lines_of_at_most_76_that_no_relay_will_touch()
    {
        var letters = new[] { "a", "bc", "é", "第", "🎉", " ", "\t", "\n", ".", "=", "From ", "\n.", "\nFrom ", " \n", "\u0001" };
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var text = string.Concat(Enumerable.Range(0, random.Next(0, 400)).Select(_ => letters[random.Next(random.Next(1, letters.Length + 1))])) + "\n";
            var (name, encoded) = BodyEncoding.Encode(text);
            Assert.Equal(text, Body(name, encoded).Replace("\r\n", "\n", StringComparison.Ordinal));
            Assert.All(encoded.Split("\r\n"), line =>
            {
                Assert.True(line.Length <= 76 && Ascii.IsValid(line), line);
                Assert.False(line.EndsWith(' ') || line.EndsWith('\t') || line.StartsWith('.') || line.StartsWith("From ", StringComparison.Ordinal), line);
            });
        }
    }

    // Seen red: what a soft break put at the start of a line was written as it was.
    [Theory]
    [InlineData(". And more, é")]
    [InlineData("From here, é")]
    public void What_a_soft_break_puts_at_the_start_of_a_line_is_escaped_too(string rest)
    {
        for (var before = 60; before < 90; before++)
        {
            var (name, encoded) = BodyEncoding.Encode(new string('a', before) + rest);
            Assert.Equal("quoted-printable", name);
            Assert.All(encoded.Split("\r\n"), line => Assert.False(line.StartsWith('.') || line.StartsWith("From ", StringComparison.Ordinal), line));
        }
    }

    private static string Written(MimeMessage mail)
    {
        var octets = MimeMessageWriter.Write(mail);
        Assert.Null(MailData.WhyNot(octets));
        return Encoding.UTF8.GetString(octets);
    }

    private static string[] Headers(string mail) =>
        mail[..mail.IndexOf("\r\n\r\n", StringComparison.Ordinal)].Replace("\r\n ", " ", StringComparison.Ordinal).Split("\r\n");

    /// <summary>RFC 2047 §6.2 read plainly: blanks between encoded-words go, each is decoded alone.</summary>
    private static string Decoded(string header) =>
        EncodedWord().Replace(BetweenEncodedWords().Replace(header, "$1"), word => new UTF8Encoding(false, true).GetString(Convert.FromBase64String(word.Groups[1].Value)));

    private static string Body(string encoding, string encoded)
    {
        if (encoding == "base64")
            return Encoding.UTF8.GetString(Convert.FromBase64String(encoded));
        var octets = new List<byte>();
        var joined = encoded.Replace("=\r\n", "", StringComparison.Ordinal);
        for (var i = 0; i < joined.Length; i++)
        {
            octets.Add(joined[i] == '=' ? Convert.ToByte(joined.Substring(i + 1, 2), 16) : (byte)joined[i]);
            i += joined[i] == '=' ? 2 : 0;
        }

        return new UTF8Encoding(false, true).GetString([.. octets]);
    }

    [GeneratedRegex("=_[0-9a-f]{32}")]
    private static partial Regex Boundary();

    [GeneratedRegex(@"=\?utf-8\?B\?([A-Za-z0-9+/=]*)\?=")]
    private static partial Regex EncodedWord();

    [GeneratedRegex(@"(\?=) +(?==\?utf-8)")]
    private static partial Regex BetweenEncodedWords();
}
