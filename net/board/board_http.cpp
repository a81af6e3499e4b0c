#include "net/board/board_http.hpp"

#include "net/board/board_json_input.hpp"
#include "net/board/board_lists.hpp"
#include "net/http/idempotency_key.hpp"
#include "net/session/http_session.hpp"
#include "wire/board_json.hpp"
#include "wire/number.hpp"
#include "wire/time_text.hpp"

namespace stadion::net {
namespace {

using namespace std::chrono_literals;
using exchange_ptr = std::shared_ptr<http_exchange>;

constexpr auto write_within = 10s;
constexpr std::size_t difference_bytes_max = 4 << 20;
constexpr auto seen_within = 2s;

wire::error invalid(std::string message) {
    return wire::make_error(wire::status::invalid_argument, std::move(message));
}

template <typename Integer>
wire::result<Integer> number(std::string_view text, const char* name) {
    const auto value = wire::parse_number<Integer>(text);
    if (!value) return invalid(std::string(name) + " is not a number: " + std::string(text));
    return *value;
}

std::string etag_of(std::uint32_t version) { return "\"" + std::to_string(version) + "\""; }

// Whether a list such as `"3", W/"4"` or `*` contains the tag. Weak and strong tags are treated alike (RFC
// 9110, 8.8.3).
bool names_tag(std::string_view list, std::string_view tag) {
    return list == "*" || list.find(tag) != std::string_view::npos;
}

// The board in one view, and its position for the header Stadion-Seen.
struct positioned_board {
    const wire::board& board;
    wire::position position;
};

void add_seen_header(http_response& response, const wire::position& at) {
    response.headers.emplace_back("Stadion-Seen", wire::to_text(at));
}

http_response state_response(const http_request& request, const positioned_board& view,
                             const board_event_ptr& state) {
    http_response response;
    const auto tag = etag_of(state->version());
    response.headers.emplace_back("ETag", tag);
    add_seen_header(response, view.position);
    if (const auto known = request.header("if-none-match"); !known.empty() && names_tag(known, tag))
        response.status = 304;
    else
        response.body = state->state_json();
    return response;
}

// Calls `then(request, board)` once the live board has reached what the caller has seen.
template <typename Then>
void when_seen(live_board& board, http_request&& request, const exchange_ptr& exchange, Then then) {
    const auto header = request.header("stadion-seen");
    const auto seen = header.empty() ? wire::position() : wire::parse_position(header);
    if (!seen)
        return exchange->fail(
            invalid("Stadion-Seen is neither a sequence nor board-sequence: " + std::string(header)));
    if (board.is_seen(*seen)) return then(request, board);
    board.when_seen(*seen, seen_within,
                    [&board, request = std::move(request), exchange, then](wire::result<void> outcome) {
                        if (outcome) return then(request, board);
                        exchange->fail(outcome.error());
                    });
}

// Answers from the board in the view that the caller asks for, if it may see it.
template <typename Answer>
void answer_from_board(server& at, board_set& boards, http_request&& request, const exchange_ptr& exchange,
                       Answer answer) {
    const auto view = choose_view(at.context().access, request);
    if (!view) return exchange->fail(view.error());
    when_seen(boards.of(exchange->home()), std::move(request), exchange,
              [view = *view, exchange, answer](const http_request& asked, const live_board& board) {
                  answer(asked, positioned_board{board.board(view), board.position(view)}, *exchange);
              });
}

void answer_game(const http_request& request, const positioned_board& view, std::string_view game,
                 http_exchange& to) {
    const auto found = view.board.find_game(game);
    if (!found)
        return to.fail(wire::make_error(wire::status::not_found, "no such game: " + std::string(game)));
    to.respond(state_response(request, view, found));
}

void answer_team(const http_request& request, const positioned_board& view, std::string_view team,
                 http_exchange& to) {
    const auto found = view.board.find_team(team);
    if (!found)
        return to.fail(wire::make_error(wire::status::not_found, "no such team: " + std::string(team)));
    to.respond(state_response(request, view, found));
}

// 0 when it is not given: each list has its default.
wire::result<std::uint32_t> page_size(const http_request& request) {
    const auto text = request.parameter("page_size");
    return text ? number<std::uint32_t>(*text, "page_size") : wire::result<std::uint32_t>(0);
}

void answer_games(const http_request& request, const positioned_board& view, http_exchange& to) {
    const auto size = page_size(request);
    if (!size) return to.fail(size.error());
    std::optional<v1::Score::Status> status;
    if (const auto name = request.parameter("status")) {
        status = wire::parse_status(*name);
        if (!status) return to.fail(invalid("no such status: " + std::string(*name)));
    }
    const auto page = page_of_games(view.board, status, request.parameter("page_token").value_or(""), *size,
                                    page_encoding::json);
    if (!page) return to.fail(page.error());
    auto response = json_response(to_json(*page));
    add_seen_header(response, view.position);
    to.respond(std::move(response));
}

void answer_teams(const http_request& request, const positioned_board& view, http_exchange& to) {
    const auto size = page_size(request);
    if (!size) return to.fail(size.error());
    const auto page =
        page_of_teams(view.board, request.parameter("page_token").value_or(""), *size, page_encoding::json);
    if (!page) return to.fail(page.error());
    auto response = json_response(to_json(*page));
    add_seen_header(response, view.position);
    to.respond(std::move(response));
}

// --- writes ---

wire::result<void> add_expectations(const http_request& request, v1::Mutation& mutation) {
    if (request.header("if-none-match") == "*") mutation.set_expect_version(0);
    auto match = request.header("if-match");
    if (match.empty()) return {};
    if (match.starts_with("W/")) match.remove_prefix(2);
    if (match.size() >= 2 && match.front() == '"' && match.back() == '"')
        match = match.substr(1, match.size() - 2);
    const auto version = number<std::uint32_t>(match, "If-Match");
    if (!version) return version.error();
    mutation.set_expect_version(*version);
    return {};
}

http_response outcome_response(const v1::Outcome& outcome, std::uint64_t board) {
    http_response response;
    std::uint32_t version = 0;
    if (outcome.has_score()) {
        version = outcome.score().version();
        wire::append_json(response.body, outcome.score());
    } else {
        version = outcome.tally().version();
        auto tally = outcome.tally();
        tally.clear_rank();
        wire::append_json(response.body, tally);
    }
    response.headers.emplace_back("ETag", etag_of(version));
    add_seen_header(response, {board, outcome.sequence()});
    return response;
}

// Commits the mutation, and answers with `respond(outcome, board)` once this server's board shows it.
template <typename Respond>
void commit(board_set& boards, board_writer& writer, const http_request& request,
            const exchange_ptr& exchange, v1::Mutation mutation, Respond respond) {
    auto key = idempotency_key_of(request);
    if (!key) return exchange->fail(key.error());
    mutation.set_idempotency_key(*std::move(key));
    mutation.set_caller(caller_name(exchange->link().peer().address()));
    auto& live = boards.of(exchange->home());
    writer.write(exchange->home(), std::move(mutation), write_within,
                 [&live, exchange, respond](v1::Outcome outcome) {
                     if (auto done = to_result(outcome); !done) return exchange->fail(done.error());
                     live.when_reached(outcome.sequence(), own_write_within,
                                       [&live, exchange, outcome, respond](bool) {
                                           exchange->respond(respond(outcome, live.board_id()));
                                       });
                 });
}

// --- the state of the board as a whole ---

void answer_state(const live_board& board, http_exchange& to) {
    http_response response;
    wire::append_json(response.body, board.state());
    to.respond(std::move(response));
}

// Appends `"public":…,"live":…`; each is a state or null.
void append_both(std::string& out, const std::string& shown, const std::string& live) {
    out.append("\"public\":").append(shown.empty() ? "null" : shown).append(",\"live\":").append(live);
}

std::string ranked_json(const wire::board& board, const std::string& team) {
    std::string json;
    const auto found = board.find_team(team);
    if (!found) return json;
    append_ranked(json, *found, board.rank_of(team));
    return json;
}

// The games, and the teams with their medals and rank, that the public does not see yet.
void answer_difference(const live_board& board, http_exchange& to) {
    const auto& shown = board.board(board_view::shown);
    const auto& live = board.board(board_view::live);
    std::string body = "{\"frozen\":";
    body.append(board.frozen() ? "true" : "false").append(",\"public_sequence\":");
    body.append(std::to_string(shown.sequence())).append(",\"live_sequence\":");
    body.append(std::to_string(live.sequence())).append(",\"games\":[");
    for (const auto& game : live.states_after(shown.sequence(), wire::topic_filter({"games/*"}))) {
        body += body.back() == '[' ? "{\"game\":" : ",{\"game\":";
        wire::append_json_string(body, game->score()->game());
        const auto before = shown.find_game(game->score()->game());
        append_both(body += ',', before ? before->state_json() : "", game->state_json());
        body += '}';
        if (body.size() > difference_bytes_max) break;
    }
    body += "],\"teams\":[";
    for (const auto& [team, rank] : live.ranking()) {
        const auto& name = team->tally()->team();
        if (team == shown.find_team(name) && rank == shown.rank_of(name)) continue;
        if (body.size() > difference_bytes_max) break;
        body += body.back() == '[' ? "{\"team\":" : ",{\"team\":";
        wire::append_json_string(body, name);
        append_both(body += ',', ranked_json(shown, name), ranked_json(live, name));
        body += '}';
    }
    body += "]}\n";
    if (body.size() > difference_bytes_max)
        return to.fail(
            wire::make_error(wire::status::resource_exhausted,
                             "the difference is larger than 4 MiB; compare the lists of both views, "
                             "page by page"));
    to.respond(json_response(std::move(body)));
}

void add_state(server& to, board_set& boards, board_writer& writer) {
    const auto on_get = [&](const char* path, role_set need, auto answer) {
        to.http().on_exchange(http_method::get, path, need,
                              [&boards, answer](http_request&& request, const exchange_ptr& exchange) {
                                  when_seen(boards.of(exchange->home()), std::move(request), exchange,
                                            [exchange, answer](const http_request&, const live_board& board) {
                                                answer(board, *exchange);
                                            });
                              });
    };
    on_get("/v1/state", anyone, answer_state);
    on_get("/v1/state/difference", roles(role::scorer), answer_difference);
    to.http().on_exchange(http_method::put, "/v1/state", roles(role::scorer),
                          [&boards, &writer](http_request&& request, const exchange_ptr& exchange) {
                              const auto frozen = parse_frozen(request.body);
                              if (!frozen) return exchange->fail(frozen.error());
                              v1::Mutation mutation;
                              mutation.mutable_freeze()->set_frozen(*frozen);
                              commit(boards, writer, request, exchange, std::move(mutation),
                                     [frozen = *frozen](const v1::Outcome& outcome, std::uint64_t board) {
                                         auto response = json_response(
                                             std::string("{\"frozen\":") + (frozen ? "true" : "false") +
                                             ",\"sequence\":" + std::to_string(outcome.sequence()) + "}\n");
                                         add_seen_header(response, {board, outcome.sequence()});
                                         return response;
                                     });
                          });
}

void add_reads(server& to, board_set& boards, const past_reader& past) {
    // Answers for the game or team that a query parameter names.
    const auto on_named = [&](const char* path, const char* parameter, auto answer) {
        to.http().on_exchange(
            http_method::get, path, anyone,
            [&to, &boards, parameter, answer](http_request&& request, const exchange_ptr& exchange) {
                if (!request.parameter(parameter))
                    return exchange->fail(invalid(std::string("the parameter ") + parameter + " is missing"));
                answer_from_board(to, boards, std::move(request), exchange,
                                  [parameter, answer](const auto& asked, const auto& board, auto& back) {
                                      answer(asked, board, *asked.parameter(parameter), back);
                                  });
            });
    };
    on_named("/query_score_by_game", "game", answer_game);
    on_named("/query_medal_tally_by_team", "team", answer_team);

    const auto on_path = [&](const char* path, auto answer) {
        to.http().on_exchange(http_method::get, path, anyone,
                              [&to, &boards, answer](http_request&& request, const exchange_ptr& exchange) {
                                  answer_from_board(to, boards, std::move(request), exchange, answer);
                              });
    };
    on_path("/v1/games/{game}", [](const auto& asked, const auto& board, auto& back) {
        answer_game(asked, board, asked.captures[0], back);
    });
    on_path("/v1/teams/{team}", [](const auto& asked, const auto& board, auto& back) {
        answer_team(asked, board, asked.captures[0], back);
    });

    const auto answer_past = [&to, past](http_request&& request, const exchange_ptr& exchange) {
        const auto view = choose_view(to.context().access, request);
        if (!view) return exchange->fail(view.error());
        if (const auto at = request.parameter("at"))
            if (const auto time = wire::parse_time(*at); !time) return exchange->fail(time.error());
        past(std::move(request), *view, exchange);
    };
    to.http().on_exchange(http_method::get, "/v1/games/{game}/history", anyone, answer_past);
    const auto on_list = [&](const char* path, auto answer) {
        to.http().on_exchange(
            http_method::get, path, anyone,
            [&to, &boards, answer, answer_past](http_request&& request, const exchange_ptr& exchange) {
                if (request.parameter("at")) return answer_past(std::move(request), exchange);
                answer_from_board(to, boards, std::move(request), exchange, answer);
            });
    };
    on_list("/v1/games", answer_games);
    on_list("/v1/teams", answer_teams);
}

void add_writes(http_router& http, board_set& boards, board_writer& writer) {
    // `parse` makes the mutation of a request.
    const auto on_write = [&](http_method method, const char* path, auto parse) {
        http.on_exchange(method, path, roles(role::scorer),
                         [&boards, &writer, parse](http_request&& request, const exchange_ptr& exchange) {
                             v1::Mutation mutation;
                             if (auto parsed = parse(request, mutation); !parsed)
                                 return exchange->fail(parsed.error());
                             if (auto fine = add_expectations(request, mutation); !fine)
                                 return exchange->fail(fine.error());
                             commit(boards, writer, request, exchange, std::move(mutation), outcome_response);
                         });
    };
    on_write(http_method::post, "/update_score_by_game",
             [](const http_request& request, v1::Mutation& mutation) -> wire::result<void> {
                 auto update = parse_score_update(request.body, {});
                 if (!update) return update.error();
                 *mutation.mutable_update_score() = std::move(*update);
                 return {};
             });
    on_write(http_method::post, "/increment_medal_tally",
             [](const http_request& request, v1::Mutation& mutation) -> wire::result<void> {
                 auto increment = parse_medal_increment(request.body);
                 if (!increment) return increment.error();
                 *mutation.mutable_increment_medal() = std::move(*increment);
                 return {};
             });
    on_write(http_method::put, "/v1/games/{game}",
             [](const http_request& request, v1::Mutation& mutation) -> wire::result<void> {
                 auto update = parse_score_update(request.body, request.captures[0]);
                 if (!update) return update.error();
                 *mutation.mutable_replace_score() = std::move(*update);
                 return {};
             });
    on_write(http_method::post, "/v1/events/{sequence}/reversal",
             [](const http_request& request, v1::Mutation& mutation) -> wire::result<void> {
                 const auto sequence = number<std::uint64_t>(request.captures[0], "the sequence");
                 if (!sequence) return sequence.error();
                 auto reason = parse_reason(request.body);
                 if (!reason) return reason.error();
                 mutation.mutable_reversal()->set_sequence(*sequence);
                 mutation.mutable_reversal()->set_reason(*reason);
                 return {};
             });
    on_write(http_method::put, "/v1/teams/{team}",
             [](const http_request& request, v1::Mutation& mutation) -> wire::result<void> {
                 auto tally = parse_tally(request.body, request.captures[0]);
                 if (!tally) return tally.error();
                 *mutation.mutable_replace_tally() = std::move(*tally);
                 return {};
             });
}

} // namespace

void add_board_http(server& to, board_set& boards, board_writer& writer, past_reader past) {
    add_reads(to, boards, past);
    add_writes(to.http(), boards, writer);
    add_state(to, boards, writer);
}

} // namespace stadion::net
