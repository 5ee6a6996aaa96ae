-- The connection: finds the reviewer's socket as protocol/wire/locations.ts does, and speaks JSON-RPC on it, one message a line.
-- Owns ids, answers and notifications. It starts no daemon. Callbacks run in the main loop, where the API may be used.
-- INVARIANT: each call's callback runs once: with a result, or with an error `{message, data}` when the socket ends.
local uv = vim.loop
local M = {}

local listeners = {} -- notification's method -> function(params)
local pending = {} -- id -> callback(error, result)
local pipe, last_id = nil, 0

local function set(name)
  local value = vim.env[name]
  return value ~= "" and value or nil
end

local function state_dir()
  return set("IOPIPE_STATE_DIR") or (set("XDG_STATE_HOME") or vim.env.HOME .. "/.local/state") .. "/iopipe"
end

local function runtime_dir()
  local shared = not set("IOPIPE_STATE_DIR") and set("XDG_RUNTIME_DIR")
  return set("IOPIPE_RUNTIME_DIR") or (shared and shared .. "/iopipe") or state_dir() .. "/run"
end

-- The environment's own socket, then the one that daemon.json names.
local function sockets()
  local found = { runtime_dir() .. "/iopiped.sock" }
  local file = io.open(state_dir() .. "/daemon.json")
  if file then
    local ok, daemon = pcall(vim.json.decode, file:read("*a"))
    file:close()
    if ok and type(daemon) == "table" and daemon.sockets then table.insert(found, daemon.sockets.reviewer) end
  end
  return found
end

-- Nothing is sent through a directory that is not ours alone; where it cannot be looked at, the error's name says why.
local function is_ours(socket)
  local stat, _, name = uv.fs_lstat(vim.fn.fnamemodify(socket, ":h"))
  return stat and stat.type == "directory" and stat.uid == uv.getuid() and stat.mode % 64 == 0, name
end

-- What a sandbox says, or a mode: another daemon could not be reached either.
local function refusal(path, name)
  if name ~= "EPERM" and name ~= "EACCES" then return end
  return "The connection to " .. path .. " was refused with " .. name .. ". A sandbox around Neovim forbids Unix "
    .. "sockets, or you may not go there: start Neovim outside of it, or let it have that socket."
end

local function ended(message)
  if pipe and not pipe:is_closing() then pipe:close() end
  pipe = nil
  local calls = pending
  pending = {}
  for _, callback in pairs(calls) do callback({ message = message }) end
  if listeners.ended then listeners.ended() end
end

local function receive(line)
  local message = vim.json.decode(line)
  if message.method then
    local listener = listeners[message.method]
    if listener then listener(message.params) end
    return
  end
  local callback = pending[message.id]
  pending[message.id or 0] = nil
  if callback then callback(message.error, message.result) end
end

-- Each message in a turn of its own: one that asks a question lets others come in between.
local function read(handle)
  local pieces = {}
  handle:read_start(function(failure, chunk)
    if failure or not chunk then
      return vim.schedule(function() ended("The connection to iopiped ended.") end)
    end
    -- Joined once a line is whole: a diff comes in hundreds of pieces.
    local from = 1
    for at in chunk:gmatch("()\n") do
      table.insert(pieces, chunk:sub(from, at - 1))
      local line = table.concat(pieces)
      vim.schedule(function() receive(line) end)
      pieces, from = {}, at + 1
    end
    table.insert(pieces, chunk:sub(from))
  end)
end

local function dial(paths, done, refused)
  local path = table.remove(paths, 1)
  if not path then return done(refused or "No daemon answers; `iopipectl daemon start` starts one.") end
  local ours, name = is_ours(path)
  if not ours then return dial(paths, done, refused or refusal(path, name)) end
  local handle = uv.new_pipe(false)
  handle:connect(path, vim.schedule_wrap(function(failure)
    if failure then
      handle:close()
      return dial(paths, done, refused or refusal(path, failure))
    end
    pipe = handle
    read(handle)
    done()
  end))
end

-- Calls that wait for the one connection that is being made.
local waiting

local function connect(done)
  if waiting then return table.insert(waiting, done) end
  waiting = { done }
  dial(sockets(), function(failure)
    local calls = waiting
    waiting = nil
    for _, call in ipairs(calls) do call(failure) end
    if failure and listeners.ended then listeners.ended() end
  end)
end

-- Takes notifications of `method`; "ended" is told when the connection ended, or could not be made.
function M.on(method, listener) listeners[method] = listener end

-- Calls a method; connects first where that is needed.
function M.call(method, params, callback)
  if not pipe then
    return connect(function(failure)
      if failure then return callback({ message = failure }) end
      M.call(method, params, callback)
    end)
  end
  last_id = last_id + 1
  pending[last_id] = callback
  local request = { jsonrpc = "2.0", id = last_id, method = method, params = params }
  pipe:write(vim.json.encode(request) .. "\n")
end

return M
