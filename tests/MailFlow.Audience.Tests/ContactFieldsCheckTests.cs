using MailFlow.Data;

namespace MailFlow.Audience.Tests;

public sealed class ContactFieldsCheckTests
{
    [Theory]
    [InlineData("""{"email":"a.b+c@sub.example.org","first_name":"Ada","last_name":null,"time_zone":"America/New_York","tags":["x"],"consents":{"news":true},"attributes":{"a":{"b":[1]}},"plan":"pro"}""")]
    [InlineData("""{"email":"","time_zone":null,"tags":null,"attributes":null,"consents":null}""")]
    [InlineData("""{"email":" grüße@müller.example "}""")]
    [InlineData("{}")]
    public void Good_fields_pass(string fields) => ContactFieldsCheck.Check(JsonData.ParseMap(fields), "contact");

    [Theory]
    [InlineData("""{"email":7}""", "contact.email")]
    [InlineData("""{"email":"nobody"}""", "contact.email")]
    [InlineData("""{"email":"a@b"}""", "contact.email")]
    [InlineData("""{"email":"a..b@example.org"}""", "contact.email")]
    [InlineData("""{"email":"a@example.org\r\nBcc: x@example.org"}""", "contact.email")]
    [InlineData("""{"email":"a@-example.org"}""", "contact.email")]
    [InlineData("""{"time_zone":"Mars/Olympus"}""", "contact.time_zone")]
    [InlineData("""{"time_zone":2}""", "contact.time_zone")]
    [InlineData("""{"first_name":["Ada"]}""", "contact.first_name")]
    [InlineData("""{"last_name":"a\u0000b"}""", "contact.last_name")]
    [InlineData("""{"tags":"vip"}""", "contact.tags")]
    [InlineData("""{"tags":["ok",1]}""", "contact.tags[1]")]
    [InlineData("""{"consents":{"News!":true}}""", "contact.consents.News!")]
    [InlineData("""{"consents":{"news":"yes"}}""", "contact.consents.news")]
    [InlineData("""{"consents":[]}""", "contact.consents")]
    [InlineData("""{"attributes":[1]}""", "contact.attributes")]
    [InlineData("""{"attributes":{"a":{"b":["x\u0000"]}}}""", "contact.attributes.a")]
    [InlineData("""{"n":1e999}""", "contact.n")]
    public void A_bad_field_is_refused_by_its_path(string fields, string field) => AssertRefused(JsonData.ParseMap(fields), field);

    [Fact]
    public void Half_of_a_surrogate_pair_is_refused_anywhere()
    {
        AssertRefused(new() { ["first_name"] = "\ud83d" }, "contact.first_name");
        AssertRefused(new() { ["plan"] = new Dictionary<string, object?> { ["\udc00"] = 1L } }, "contact.plan");
        AssertRefused(new() { ["tags"] = new List<object?> { "\udc00\ud83d" } }, "contact.tags[0]");
        ContactFieldsCheck.Check(new Dictionary<string, object?> { ["first_name"] = "🎉" }, "contact");
    }

    [Fact]
    public void Limits_of_number_length_size_and_depth_hold()
    {
        AssertRefused(new() { ["tags"] = Enumerable.Range(0, 201).Select(object? (i) => $"t{i}").ToList() }, "contact.tags");
        AssertRefused(new() { ["tags"] = new List<object?> { new string('x', 201) } }, "contact.tags[0]");
        AssertRefused(new() { [new string('x', 101)] = 1L }, "contact." + new string('x', 101));
        AssertRefused(new() { ["a"] = new string('x', 40_000), ["attributes"] = new Dictionary<string, object?> { ["b"] = new string('x', 40_000) } }, "contact");
        AssertRefused(new() { ["email"] = new string('x', 65) + "@example.org" }, "contact.email");
        AssertRefused(new() { ["email"] = "a@" + string.Concat(Enumerable.Repeat("xxxxxxxxx.", 26)) + "org" }, "contact.email");
        object? deep = 1L;
        for (var i = 0; i < 20; i++) deep = new List<object?> { deep };
        AssertRefused(new() { ["deep"] = deep }, "contact.deep");
    }

    [Fact]
    public void Without_a_prefix_the_path_is_the_field() =>
        Assert.Equal("time_zone", Assert.Throws<InvalidInputException>(() => ContactFieldsCheck.Check(JsonData.ParseMap("""{"time_zone":"X"}"""), "")).Field);

    private static void AssertRefused(Dictionary<string, object?> fields, string field) => AssertRefused((IReadOnlyDictionary<string, object?>)fields, field);

    private static void AssertRefused(IReadOnlyDictionary<string, object?> fields, string field) =>
        Assert.Equal(field, Assert.Throws<InvalidInputException>(() => ContactFieldsCheck.Check(fields, "contact")).Field);
}
