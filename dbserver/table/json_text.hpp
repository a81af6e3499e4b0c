// Reading and writing the few JSON shapes of the store, fast.
//
// The journal takes one line of JSON per update at hundreds of thousands a second; protobuf's printer and
// DOM parsers cost more than the rest of the update. The writer appends to a string; the reader walks a text
// once, front to back, and hands out views into it where nothing was escaped.
#pragma once

#include "wire/json_text.hpp"

#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace stadion::dbserver {

using wire::append_json_number;
using wire::append_json_seconds;
using wire::append_json_string;

// Sixteen, or eight, lower-case hexadecimal digits.
std::string hexadecimal(std::uint64_t number, int digits = 16);
bool parse_hexadecimal(std::string_view text, std::uint64_t& number);

// A reader of one value. After the first thing that is not as asked for, ok() is false and stays so, and
// every function answers something harmless.
class json_reader {
public:
    explicit json_reader(std::string_view text) : text_(text) {}

    bool ok() const noexcept { return ok_; }
    bool at_end() noexcept { return skip_space(), position_ == text_.size(); }
    std::size_t position() const noexcept { return position_; }

    // for (r.begin_object(); r.next_key(key);) { … read the value … }
    void begin_object() { expect('{'), fresh_ = true; }
    bool next_key(std::string_view& key);

    // The view lives as long as the reader and the text.
    std::string_view string();
    bool boolean();
    template <typename Integer>
    Integer integer() {
        skip_space();
        Integer number{};
        const char* end = text_.data() + text_.size();
        const auto [stop, error] = std::from_chars(text_.data() + position_, end, number);
        if (error != std::errc{} || !ok_) return fail(), Integer{};
        position_ = static_cast<std::size_t>(stop - text_.data());
        return number;
    }
    std::int64_t seconds();       // a decimal number of seconds, as microseconds
    std::string_view raw_value(); // any value, unread: its text
    void fail() noexcept { ok_ = false; }

private:
    void skip_space() noexcept;
    void expect(char c);
    bool take(char c) noexcept;
    void append_escape(std::string& to);
    bool hex4(std::uint32_t& code);

    std::string_view text_;
    std::size_t position_ = 0;
    bool ok_ = true;
    bool fresh_ = false;
    std::vector<std::unique_ptr<std::string>> unescaped_;
};

} // namespace stadion::dbserver
