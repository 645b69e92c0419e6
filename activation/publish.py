def publish_send_list(connection, directory, *, send_date, status): 
    class M: rows=0
    return M
