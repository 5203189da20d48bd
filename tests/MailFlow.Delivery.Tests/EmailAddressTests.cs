namespace MailFlow.Delivery.Tests;

public class EmailAddressTests
{
    [Theory]
    [InlineData("ada@example.org", "ada@example.org")]
    [InlineData("Ada.Lovelace+news@Example.ORG", "Ada.Lovelace+news@example.org")]
    [InlineData("o'brien@example.org", "o'brien@example.org")]
    [InlineData("!#$%&'*+-/=?^_`{|}~@example.org", "!#$%&'*+-/=?^_`{|}~@example.org")]
    [InlineData("\"two words\"@example.org", "\"two words\"@example.org")]
    [InlineData("\"a\\\"b@c\"@example.org", "\"a\\\"b@c\"@example.org")]
    [InlineData("ada@bücher.example", "ada@xn--bcher-kva.example")]
    [InlineData("ada@BÜCHER.example", "ada@xn--bcher-kva.example")]
    [InlineData("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example")]
    [InlineData("用户@例え.jp", "用户@xn--r8jz45g.jp")]
    [InlineData("a@1and1.example", "a@1and1.example")]
    public void An_address_is_read_and_its_domain_is_in_lower_case_ASCII(string text, string canonical)
    {
        Assert.True(EmailAddress.TryParse(text, out var address, out var reason), reason);
        Assert.Equal(canonical, address.ToString());
        Assert.Equal(address, EmailAddress.Parse(canonical));
    }

    [Theory]
    [InlineData(null, "it is empty")]
    [InlineData("", "it is empty")]
    [InlineData("ada", "it has no @")]
    [InlineData("@example.org", "nothing stands before the @")]
    [InlineData("ada@", "nothing stands after the @")]
    [InlineData("ada@localhost", "the domain has no dot")]
    [InlineData("ada@example..org", "the part after the @ is not a domain name")]
    [InlineData("ada@.example.org", "the part after the @ is not a domain name")]
    [InlineData("ada@example.org.", "the part after the @ is not a domain name")]
    [InlineData("ada@-example.org", "the part after the @ is not a domain name")]
    [InlineData("ada@exa_mple.org", "the part after the @ is not a domain name")]
    [InlineData("ada@exa mple.org", "the part after the @ is not a domain name")]
    [InlineData("ada@example.org\r\nBcc: eve", "the part after the @ is not a domain name")]
    [InlineData("ada@example.org>", "the part after the @ is not a domain name")]
    [InlineData("ada@192.0.2.1", "the domain ends in a number")]
    [InlineData("ada@[192.0.2.1]", "an address literal is not a domain")]
    [InlineData(".ada@example.org", "the part before the @ begins or ends with a dot or has two in a row")]
    [InlineData("ada.@example.org", "the part before the @ begins or ends with a dot or has two in a row")]
    [InlineData("a..da@example.org", "the part before the @ begins or ends with a dot or has two in a row")]
    [InlineData("a da@example.org", "it holds a blank or an invisible character")]
    [InlineData(" ada@example.org", "it holds a blank or an invisible character")]
    [InlineData("a\r\nda@example.org", "it holds a blank or an invisible character")]
    [InlineData("a\0da@example.org", "it holds a blank or an invisible character")]
    [InlineData("a\u202eda@example.org", "it holds a blank or an invisible character")]
    [InlineData("a\u00a0da@example.org", "it holds a blank or an invisible character")]
    [InlineData("Ada <ada@example.org", "it holds a blank or an invisible character")]
    [InlineData("ada,eve@example.org", "the part before the @ cannot hold ,")]
    [InlineData("eve@example.org,ada@example.org", "the part before the @ cannot hold @")]
    [InlineData("<ada@example.org", "the part before the @ cannot hold <")]
    [InlineData("\"ada@example.org", "the quoted part before the @ is not well formed")]
    [InlineData("\"ada\\\"@example.org", "the quoted part before the @ is not well formed")]
    [InlineData("\"a\r\nb\"@example.org", "the quoted part before the @ is not well formed")]
    public void What_is_no_address_is_refused_with_the_reason(string? text, string reason)
    {
        Assert.False(EmailAddress.TryParse(text, out var address, out var given));
        Assert.Equal(reason, given);
        Assert.Equal(default, address);
    }

    [Fact]
    public void A_broken_character_is_refused() => Assert.False(EmailAddress.TryParse("a\ud83d@example.org", out _));

    [Fact]
    public void Lengths_are_counted_in_octets_of_what_goes_over_the_wire()
    {
        Assert.True(EmailAddress.TryParse(new string('a', 64) + "@example.org", out _));
        Assert.False(EmailAddress.TryParse(new string('a', 65) + "@example.org", out _));
        Assert.False(EmailAddress.TryParse(new string('ä', 33) + "@example.org", out _));
        var domain = string.Join('.', Enumerable.Repeat(new string('d', 60), 3)) + ".org";
        Assert.True(EmailAddress.TryParse($"{new string('a', 64)}@{domain}", out _));
        Assert.False(EmailAddress.TryParse($"{new string('a', 64)}@dddd.{domain}", out _));
        Assert.False(EmailAddress.TryParse($"a@{new string('d', 64)}.org", out _));
    }
}
