// checkpoint.jsonl: writing and reading the manifest.
#include "dbserver/journal/checkpoint.hpp"

#include "dbserver/journal/crc32c.hpp"
#include "dbserver/table/json_text.hpp"

namespace stadion::dbserver {
namespace {

class members {
public:
    explicit members(std::string& to) : to_(to) {}
    ~members() { to_ += "}\n"; }
    members(const members&) = delete;
    members& operator=(const members&) = delete;

    void number(std::string_view key, std::uint64_t value) { append_json_number(name(key), value); }
    void text(std::string_view key, std::string_view value) { append_json_string(name(key), value); }
    void checksum(std::string_view key, std::uint32_t crc) { text(key, hexadecimal(crc, 8)); }

private:
    std::string& name(std::string_view key) {
        to_ += first_ ? '{' : ',';
        first_ = false;
        append_json_string(to_, key);
        return to_ += ':';
    }
    std::string& to_;
    bool first_ = true;
};

void append_table(std::string& text, const std::string& name, const saved_table& one) {
    members out(text);
    out.text("table", name);
    out.number("sequence", one.sequence);
    out.number("version", one.version);
    out.number("checkpoint", one.checkpoint);
    out.number("bytes", one.bytes);
    out.checksum("crc32c", one.crc);
    out.number("history_bytes", one.history_bytes);
    out.checksum("history_crc32c", one.history_crc);
    out.number("history_last", one.history_last);
}

void append_keys(std::string& text, const saved_keys& one) {
    members out(text);
    out.number(one.is_text ? "keys" : "key_file", one.number);
    out.number("bytes", one.bytes);
    out.checksum("crc32c", one.crc);
    out.number("oldest", static_cast<std::uint64_t>(one.oldest_us));
    out.number("newest", static_cast<std::uint64_t>(one.newest_us));
}

void append_sessions(std::string& text, const saved_sessions& one) {
    members out(text);
    out.number("sessions", one.checkpoint);
    out.number("bytes", one.bytes);
    out.checksum("crc32c", one.crc);
}

void append_index(std::string& text, const saved_index& one) {
    members out(text);
    out.number("index", one.number);
    out.number("bytes", one.bytes);
    out.checksum("crc32c", one.crc);
    out.number("first", one.first);
    out.number("last", one.last);
}

// Every line is one flat object of numbers and strings.
using fields = std::map<std::string, std::string, std::less<>>;

bool read_fields(std::string_view line, fields& into) {
    json_reader in(line);
    in.begin_object();
    for (std::string_view key; in.next_key(key);) {
        const std::string_view raw = in.raw_value();
        json_reader value(raw);
        into[std::string(key)] = raw.starts_with('"') ? value.string() : raw;
    }
    return in.ok() && in.at_end();
}

template <typename Number>
Number number_of(const fields& from, std::string_view key) {
    const auto at = from.find(key);
    if (at == from.end()) return 0;
    json_reader in(at->second);
    return in.integer<Number>();
}

std::uint32_t checksum_of(const fields& from, std::string_view key) {
    std::uint64_t number = 0;
    const auto at = from.find(key);
    if (at != from.end()) parse_hexadecimal(at->second, number);
    return static_cast<std::uint32_t>(number);
}

std::optional<hash_key> secret_of(const fields& from) {
    const auto at = from.find("secret");
    hash_key secret;
    if (at == from.end() || at->second.size() != 32 ||
        !parse_hexadecimal(std::string_view(at->second).substr(0, 16), secret.high) ||
        !parse_hexadecimal(std::string_view(at->second).substr(16), secret.low))
        return std::nullopt;
    return secret;
}

void take_fields(const fields& from, manifest& into) {
    if (const auto name = from.find("table"); name != from.end()) {
        saved_table& one = into.tables[name->second];
        one.sequence = number_of<std::uint64_t>(from, "sequence");
        one.version = number_of<std::uint32_t>(from, "version");
        one.checkpoint = number_of<std::uint64_t>(from, "checkpoint");
        one.bytes = number_of<std::uint64_t>(from, "bytes");
        one.crc = checksum_of(from, "crc32c");
        one.history_bytes = number_of<std::uint64_t>(from, "history_bytes");
        one.history_crc = checksum_of(from, "history_crc32c");
        one.history_last = number_of<std::uint64_t>(from, "history_last");
    } else if (from.contains("keys") || from.contains("key_file")) {
        saved_keys& one = into.keys.emplace_back();
        one.is_text = from.contains("keys");
        one.number = number_of<std::uint64_t>(from, one.is_text ? "keys" : "key_file");
        into.key_files = std::max(into.key_files, one.number);
        one.bytes = number_of<std::uint64_t>(from, "bytes");
        one.crc = checksum_of(from, "crc32c");
        one.oldest_us = number_of<std::int64_t>(from, "oldest");
        one.newest_us = number_of<std::int64_t>(from, "newest");
    } else if (from.contains("sessions")) {
        into.sessions.checkpoint = number_of<std::uint64_t>(from, "sessions");
        into.sessions.bytes = number_of<std::uint64_t>(from, "bytes");
        into.sessions.crc = checksum_of(from, "crc32c");
    } else if (from.contains("index")) {
        saved_index& one = into.index.emplace_back();
        one.number = number_of<std::uint64_t>(from, "index");
        one.bytes = number_of<std::uint64_t>(from, "bytes");
        one.crc = checksum_of(from, "crc32c");
        one.first = number_of<std::uint64_t>(from, "first");
        one.last = number_of<std::uint64_t>(from, "last");
        into.index_files = std::max(into.index_files, one.number);
    } else {
        constexpr unsigned before_it_was_said = 2;
        into.format = from.contains("format") ? number_of<unsigned>(from, "format") : before_it_was_said;
        into.secret = secret_of(from);
        into.number = number_of<std::uint64_t>(from, "checkpoint");
        into.through = number_of<std::uint64_t>(from, "through");
        into.at_us = number_of<std::int64_t>(from, "at");
        into.first_segment = number_of<std::uint64_t>(from, "first_segment");
        into.frozen_since = number_of<std::uint64_t>(from, "frozen_since");
        into.frozen_at_us = number_of<std::int64_t>(from, "frozen_at");
    }
}

} // namespace

std::string to_text(const manifest& what) {
    std::string text;
    {
        members out(text);
        out.number("checkpoint", what.number);
        if (what.format > 2) out.number("format", what.format);
        out.number("through", what.through);
        out.number("at", static_cast<std::uint64_t>(what.at_us));
        out.number("first_segment", what.first_segment);
        out.number("frozen_since", what.frozen_since);
        if (what.secret) out.text("secret", hexadecimal(what.secret->high) + hexadecimal(what.secret->low));
        if (what.frozen_since != 0) out.number("frozen_at", static_cast<std::uint64_t>(what.frozen_at_us));
    }
    for (const auto& [name, one] : what.tables) append_table(text, name, one);
    for (const saved_keys& one : what.keys) append_keys(text, one);
    if (what.sessions.checkpoint != 0) append_sessions(text, what.sessions);
    for (const saved_index& one : what.index) append_index(text, one);
    const std::uint32_t crc = crc32c(text);
    members(text).checksum("crc32c", crc);
    return text;
}

bool from_text(std::string_view text, manifest& into) {
    into = {};
    if (text.size() < 2 || !text.ends_with('\n')) return false;
    const std::size_t last = text.rfind('\n', text.size() - 2) + 1;
    std::string expected;
    members(expected).checksum("crc32c", crc32c(text.substr(0, last)));
    if (text.substr(last) != expected) return false;
    for (std::string_view rest = text.substr(0, last); !rest.empty();) {
        const std::size_t end = rest.find('\n');
        fields line;
        if (!read_fields(rest.substr(0, end), line)) return false;
        take_fields(line, into);
        rest.remove_prefix(end + 1);
    }
    return true;
}

} // namespace stadion::dbserver
